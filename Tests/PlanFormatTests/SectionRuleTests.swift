// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
import TestPlans
import Testing

@Suite struct SectionRuleTests {
  private let sound: PlanFile

  init() throws { sound = PlanFile(try TestNetwork.basic.plan(inputSize: 32)) }

  private func expect(
    _ section: PlanSection, _ rule: StaticString, at location: SourceLocation = #_sourceLocation,
    _ change: (inout PlanFile) -> Void
  ) {
    sound.expect(.section(section, rule), at: location, change)
  }

  /// Expects an error of the section of a field with each of `values` in it.
  private func expect(
    _ rule: StaticString, of index: Int = 0, _ field: PlanField, _ values: [UInt64],
    at location: SourceLocation = #_sourceLocation
  ) {
    sound.expect(.section(field.section, rule), of: index, field, values, at: location)
  }

  @Test func theModelHasItsRecord() {
    let rule: StaticString = "a record of 64 bytes with zeros in reserved bytes"
    expect(.model, rule) { $0[.model].append(0) }
    expect(.model, rule) { $0[.model] = [] }
    for reserved in [12, 60] { expect(rule, .model(reserved), [1]) }
  }

  @Test func theModelIsInRange() {
    let rule: StaticString = "an image of 32 to 2048 pixels and a text in the strings"
    for side in [0, 4] { expect(rule, .model(side), [0, 31, 2049]) }
    expect(rule, .model(8), [UInt64(sound[.strings].count), .max])
  }

  @Test func theRecipeHasItsRecord() {
    let rule: StaticString = "a record of 64 bytes with known codes"
    expect(.preprocessing, rule) { $0[.preprocessing].removeLast() }
    for (offset, code) in [(0, 2), (4, 5), (40, 3), (44, 2), (56, 1), (60, 1)] as [(Int, UInt64)] {
      expect(rule, .preprocessing(offset), [code, UInt64(UInt32.max)])
    }
    for (offset, code) in [(0, 1), (4, 4), (40, 1), (44, 1)] as [(Int, UInt64)] {
      var file = sound
      file[.preprocessing(offset), 0] = code
      #expect(planError(file.bytes) == nil)
    }
  }

  @Test func aLetterboxCutsNothingOff() {
    expect("a letterbox of the crop's size", .preprocessing(40), [2])
    var file = sound
    file[.preprocessing(40), 0] = 2
    for side in [8, 48] { file[.preprocessing(side), 0] = 32 }
    #expect(planError(file.bytes) == nil)
  }

  @Test func theRecipeFitsTheImage() {
    let rule: StaticString = "a crop equal to the image size and at most the resize"
    for side in [12, 52] { expect(rule, .preprocessing(side), [31, 33]) }
    for side in [0, 4] { expect(.preprocessing, rule) { $0[.model(side), 0] = 40 } }
    for side in [8, 48] { expect(rule, .preprocessing(side), [31, 4097]) }
  }

  @Test func normalisationIsFinite() {
    let rule: StaticString = "finite means and positive stds"
    for channel in 0..<3 {
      expect(rule, .preprocessing(16 + 4 * channel), bits(.nan, .infinity, -.infinity))
      expect(rule, .preprocessing(28 + 4 * channel), bits(.nan, .infinity, 0, -1))
    }
  }

  @Test(arguments: [PlanSection.strings, .classes, .provenance])
  func textsAreTerminated(section: PlanSection) {
    expect(section, "text ended by a zero byte") { $0[section] = [] }
    expect(section, "text ended by a zero byte") { $0[section].append(1) }
  }

  @Test(arguments: [PlanSection.strings, .classes, .provenance])
  func textsCanBeShown(section: PlanSection) {
    let bad: [[UInt8]] = [
      [0x1B], [0x09], [0x0D], [0x7F], [0xC2, 0x9B], [0xE2, 0x80, 0xA8], [0xE2, 0x80, 0xAE],
      [0xE2, 0x81, 0xA6], [0xFF], [0xC3], [0xED, 0xA0, 0x80],
    ]
    for bytes in bad + (section == .provenance ? [] : [[0x0A]]) {
      expect(section, "UTF-8 without control characters") {
        $0[section].insert(contentsOf: bytes, at: 0)
      }
    }
    var file = sound
    file[.provenance] = Array("a: čáp 👩‍🌾\nb: c\0".utf8)
    file[.strings] += Array("教会\0".utf8)
    #expect(planError(file.bytes) == nil)
  }

  @Test func namesBeginWithACharacter() {
    var file = sound
    let end = file[.strings].count
    file[.strings] += Array("é\0".utf8)
    for (offset, isName) in [(end, true), (end + 1, false), (end + 2, true), (end + 3, false)] {
      file[.model(8), 0] = UInt64(offset)
      #expect((planError(file.bytes) == nil) == isName, "\(offset)")
    }
  }

  @Test func classNamesAreAsManyAsClasses() {
    for count in [1, 9, 11] {
      expect(.classes, "as many names as classes, or none") {
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
    expect(codes, .output(0), [3])
    for reserved in [12, 28] { expect(codes, .output(reserved), [1]) }
  }

  @Test func featuresAndLogitsAreThereOnce() {
    let rule: StaticString = "features and logits, each once at most"
    expect(rule, .output(0), [2])
    expect(rule, of: 1, .output(0), [1])
    // Either may be any other output.
    for index in 0..<2 {
      var file = sound
      file[.output(0), index] = 0
      #expect(planError(file.bytes) == nil)
    }
  }

  @Test func outputsHaveNamesOfTheirOwn() {
    expect("a name of its own for each", of: 1, .output(8), [sound[.output(8), 0]])
  }

  @Test func outputsLiveToTheEnd() {
    let rule: StaticString = "tensors that live to the end and names in the strings"
    expect(rule, .output(4), [8, 11, .max])
    expect(rule, .output(8), [UInt64(sound[.strings].count)])
  }

  @Test func featuresAndLogitsAreVectors() {
    // An activation in place of the features.
    expect(.outputs, "float32 vectors of features and logits") {
      $0.arena = 1 << 20
      $0[TensorField.offset, 8] = 1 << 18
      $0[TensorField.last, 8] = 10
      $0[.output(4), 0] = 8
    }
  }
}
