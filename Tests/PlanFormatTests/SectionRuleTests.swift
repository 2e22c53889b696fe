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
    expectError(.section(section, rule), in: sound, sourceLocation: sourceLocation, change)
  }

  @Test func theModelHasItsRecord() {
    let rule: StaticString = "a record of 64 bytes with zeros in reserved bytes"
    expect(.model, rule) { $0[.model].append(0) }
    expect(.model, rule) { $0[.model] = [] }
    for reserved in [12, 60] { expect(.model, rule) { $0.set(.model, reserved, 1) } }
  }

  @Test func theModelIsInRange() {
    let rule: StaticString = "an image of 32 to 1024 pixels and a text in the strings"
    for (offset, values) in [
      (0, [0, 31, 1025]), (4, [0, 31, 1025]), (8, [UInt32(sound[.strings].count), .max]),
    ] as [(Int, [UInt32])] {
      for value in values { expect(.model, rule) { $0.set(.model, offset, value) } }
    }
  }

  @Test func theRecipeHasItsRecord() {
    let rule: StaticString = "a record of 64 bytes with known codes"
    expect(.preprocessing, rule) { $0[.preprocessing].removeLast() }
    for (offset, codes) in [(0, 2), (4, 5), (40, 3), (44, 2), (48, 1), (60, 1)] as [(Int, UInt32)] {
      for code in [codes, .max] {
        expect(.preprocessing, rule) { $0.set(.preprocessing, offset, code) }
      }
    }
    for (offset, code) in [(0, 1), (4, 4), (40, 1), (44, 1)] as [(Int, UInt32)] {
      var file = sound
      file.set(.preprocessing, offset, code)
      #expect(planError(file.bytes) == nil)
    }
  }

  @Test func aLetterboxCutsNothingOff() {
    expect(.preprocessing, "a letterbox of the crop's size") { $0.set(.preprocessing, 40, 2) }
    var file = sound
    file.set(.preprocessing, 40, 2)
    file.set(.preprocessing, 8, 32)
    #expect(planError(file.bytes) == nil)
  }

  @Test func theRecipeFitsTheImage() {
    let rule: StaticString = "a crop equal to the image size and at most the resize"
    expect(.preprocessing, rule) { $0.set(.preprocessing, 12, 33) }
    for side in [0, 4] { expect(.preprocessing, rule) { $0.set(.model, side, 40) } }
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
    for (section, rule, tooMany) in [
      (.tensors, "1 to 1024 records of 64 bytes", 1025 * 64),
      (.steps, "1 to 1024 records of 192 bytes", 1025 * 192),
      (.outputs, "1 to 64 records of 32 bytes", 65 * 32),
    ] as [(PlanSection, StaticString, Int)] {
      expect(section, rule) { $0[section].removeLast() }
      expect(section, rule) { $0[section].append(0) }
      for count in [0, tooMany] {
        expect(section, rule) { $0[section] = [UInt8](repeating: 0, count: count) }
      }
    }
  }

  @Test func outputsHaveKnownRoles() {
    let codes: StaticString = "known roles and zeros in reserved bytes"
    expect(.outputs, codes) { $0.set(.outputs, 0, 3) }
    for reserved in [12, 28] { expect(.outputs, codes) { $0.set(.outputs, reserved, 1) } }
  }

  @Test func featuresAndLogitsAreThereOnce() {
    let rule: StaticString = "features and logits, each once"
    for (offset, roles) in [(0, [0, 2]), (32, [0, 1])] as [(Int, [UInt32])] {
      for role in roles { expect(.outputs, rule) { $0.set(.outputs, offset, role) } }
    }
  }

  @Test func outputsLiveToTheEnd() {
    let rule: StaticString = "tensors that live to the end and names in the strings"
    for tensor in [8, 11, .max] as [UInt32] {
      expect(.outputs, rule) { $0.set(.outputs, 4, tensor) }
    }
    expect(.outputs, rule) { $0.set(.outputs, 8, UInt32($0[.strings].count)) }
  }

  @Test func featuresAndLogitsAreVectors() {
    // An activation in place of the features.
    expect(.outputs, "float32 vectors of features and logits") {
      $0.arena = 1 << 20
      $0.set64(.tensors, 8 * 64, 1 << 18)
      $0.set(.tensors, 8 * 64 + 48, 10)
      $0.set(.outputs, 4, 8)
    }
  }
}
