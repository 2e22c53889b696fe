// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
import TestPlans
import Testing

@Suite struct SectionRuleTests {
  private let sound: PlanFile

  init() throws { sound = PlanFile(try TestNetwork.basic.plan(inputSize: 32)) }

  private func expect(
    _ section: PlanSection, _ rule: StaticString,
    sourceLocation: SourceLocation = #_sourceLocation, _ change: (inout PlanFile) -> Void
  ) {
    var file = sound
    change(&file)
    let found = planError(file.bytes)
    #expect(
      found?.description == PlanError.section(section, rule).description,
      sourceLocation: sourceLocation)
  }

  @Test func theModelHasItsRecord() {
    let rule: StaticString = "a record of 96 bytes with known codes"
    expect(.model, rule) { $0[.model].append(0) }
    expect(.model, rule) { $0[.model] = [] }
    expect(.model, rule) { $0.set(.model, 0, 2) }
    expect(.model, rule) { $0.set(.model, 16, 3) }
  }

  @Test func theModelIsInRange() {
    let rule: StaticString = "stages, classes, features, image and tensors in range"
    for (offset, values) in [
      (4, [0, 9, .max]), (8, [0, 65537, .max]), (12, [0, 65537]), (20, [0, 31, 1025]),
      (24, [11, .max]), (28, [11, .max]),
    ] as [(Int, [UInt32])] {
      for value in values { expect(.model, rule) { $0.set(.model, offset, value) } }
    }
  }

  @Test func theRecipeHasItsRecord() {
    let rule: StaticString = "a record of 64 bytes with known codes"
    expect(.preprocessing, rule) { $0[.preprocessing].removeLast() }
    expect(.preprocessing, rule) { $0.set(.preprocessing, 0, 1) }
    expect(.preprocessing, rule) { $0.set(.preprocessing, 4, 1) }
  }

  @Test func theRecipeFitsTheImage() {
    let rule: StaticString = "a crop equal to the image size and at most the resize"
    expect(.preprocessing, rule) { $0.set(.preprocessing, 12, 33) }
    expect(.preprocessing, rule) { $0.set(.preprocessing, 8, 31) }
    expect(.preprocessing, rule) { $0.set(.preprocessing, 8, 4097) }
  }

  @Test func normalisationIsFinite() {
    let rule: StaticString = "finite means and positive stds"
    for channel in 0..<3 {
      for mean in [Float.nan, .infinity, -.infinity] {
        expect(.preprocessing, rule) { $0.setFloat(.preprocessing, 16 + 4 * channel, mean) }
      }
      for std in [Float.nan, .infinity, 0, -1] {
        expect(.preprocessing, rule) { $0.setFloat(.preprocessing, 28 + 4 * channel, std) }
      }
    }
  }

  @Test func textsAreTerminated() {
    for section in [PlanSection.strings, .classes, .provenance] {
      expect(section, "text ended by a zero byte") { $0[section] = [] }
      expect(section, "text ended by a zero byte") { $0[section].append(1) }
    }
  }

  @Test func classNamesAreAsManyAsClasses() {
    let rule: StaticString = "as many names as classes, or none"
    for count in [1, 9, 11] {
      expect(.classes, rule) {
        $0[.classes] = Array(repeatElement([65, 0], count: count).joined())
      }
    }
    var file = sound
    file[.classes] = [UInt8](repeating: 0, count: 10)
    #expect(planError(file.bytes) == nil)
  }

  @Test func recordsAreWhole() {
    expect(.tensors, "1 to 1024 records of 64 bytes") { $0[.tensors].removeLast() }
    expect(.tensors, "1 to 1024 records of 64 bytes") { $0[.tensors] = [] }
    expect(.tensors, "1 to 1024 records of 64 bytes") {
      $0[.tensors] = [UInt8](repeating: 0, count: 1025 * 64)
    }
    expect(.steps, "1 to 1024 records of 96 bytes") { $0[.steps].append(0) }
    expect(.steps, "1 to 1024 records of 96 bytes") { $0[.steps] = [] }
    expect(.steps, "1 to 1024 records of 96 bytes") {
      $0[.steps] = [UInt8](repeating: 0, count: 1025 * 96)
    }
  }

  @Test func featuresAndLogitsAreWhatTheModelSays() {
    let rule: StaticString = "float32 features and logits that live to the end"
    expect(.model, rule) { $0.set(.model, 8, 11) }
    expect(.model, rule) { $0.set(.model, 12, 15) }
    // The roles exchanged: ten features of sixteen channels.
    expect(.model, rule) { file in
      file.set(.model, 24, 10)
      file.set(.model, 28, 9)
    }
    // An activation in place of the features.
    expect(.model, rule) { $0.set(.model, 24, 8) }
  }
}
