// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
import TestPlans
import Testing

@Suite struct TensorRuleTests {
  private let sound: PlanFile
  /// `layer1.0.conv1`, an activation in the middle.
  private let index = 2

  init() throws { sound = PlanFile(try TestNetwork.basic.plan(inputSize: 32)) }

  private func expect(
    _ rule: StaticString, sourceLocation: SourceLocation = #_sourceLocation,
    _ change: (inout PlanFile, Int) -> Void
  ) {
    expectError(.tensor(index: index, rule), in: sound, sourceLocation: sourceLocation) {
      change(&$0, index * 64)
    }
  }

  private func expect(
    _ rule: StaticString, at offset: Int, _ values: [UInt32],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for value in values {
      expect(rule, sourceLocation: sourceLocation) { $0.set(.tensors, $1 + offset, value) }
    }
  }

  @Test func codesAreKnown() {
    let rule: StaticString = "a known format and zeros in reserved bytes"
    expect(rule, at: 28, [2, .max])
    expect(rule, at: 56, [1])
    expect(rule, at: 60, [1 << 31])
    expect(rule) { $0.set64(.tensors, $1, 1 << 63) }
  }

  @Test func shapesAreInRange() {
    let rule: StaticString = "height and width of 1 to 1024 and a border of at most 3"
    expect(rule, at: 8, [0, 1025, .max])
    expect(rule, at: 12, [0, 1025, .max])
    expect(rule, at: 24, [4, .max])
  }

  @Test func channelsComeInBlocks() {
    let rule: StaticString = "3 channels or whole blocks of 16, at most 65536"
    expect(rule, at: 16, [0, 1, 4, 15, 17, 65552, .max])
    expect(rule, at: 20, [0, 17, .max])
  }

  @Test func quantizationIsInRange() {
    let rule: StaticString = "a positive finite scale and a zero point of at most 255"
    expect(rule, at: 32, [Float.nan, .infinity, 0, -1].map(\.bitPattern))
    expect(rule, at: 36, [256, .max])
  }

  @Test func placesAreInTheArena() {
    let rule: StaticString = "an aligned place within the arena"
    for offset in [1, 32, UInt64(sound.arena), UInt64(sound.arena) + 64, 1 << 62] {
      expect(rule) { $0.set64(.tensors, $1, offset) }
    }
    // It starts inside and ends outside.
    expect(rule) { file, place in
      file.set(.tensors, place + 8, 1024)
      file.set(.tensors, place + 12, 1024)
    }
  }

  @Test func livesStartWithTheProducer() {
    let rule: StaticString = "a life that starts with the step that writes it"
    expect(rule, at: 44, [0, 1, 3, 11, .max])
    expect(rule, at: 48, [1, 11, .max])
  }

  @Test func namesAreInTheStrings() {
    expect("a name within the strings", at: 52, [UInt32(sound[.strings].count), .max])
  }

  @Test func overlapsAreNamed() {
    // The image and the stem's result, live in the same step.
    expectError(.overlap(first: 0, second: 1), in: sound) {
      $0.set64(.tensors, 64, sound[.tensors].number(at: 0, count: 8))
    }
  }

  @Test func bordersAreOfEqualBytes() {
    for pattern in [1, 0x0403_0201, 0xFF] as [UInt32] {
      expect("a border of equal bytes, of zeros in float32") { $0.set(.tensors, $1 + 40, pattern) }
    }
  }

  @Test func aSumInPlaceMustCoverItsResidualExactly() {
    // layer1.0 is written in place of the stem's result, one row of bytes further on.
    #expect(
      sound[.tensors].number(at: 64, count: 8) == sound[.tensors].number(at: 3 * 64, count: 8))
    expectError(.overlap(first: 1, second: 3), in: sound) {
      $0.arena += 64
      $0.set64(.tensors, 3 * 64, sound[.tensors].number(at: 64, count: 8) + 64)
    }
    // In place, but the residual is read by a later step too.
    expectError(.overlap(first: 1, second: 3), in: sound) { $0.set(.tensors, 64 + 48, 4) }
  }
}
