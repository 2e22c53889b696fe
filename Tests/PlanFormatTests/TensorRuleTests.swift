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
    _ rule: StaticString, _ field: PlanField, _ values: [UInt64],
    at location: SourceLocation = #_sourceLocation
  ) {
    sound.expect(.tensor(index: index, rule), of: index, field, values, at: location)
  }

  @Test func codesAreKnown() {
    let rule: StaticString = "a known format and zeros in reserved bytes"
    expect(rule, TensorField.format, [2, .max])
    expect(rule, TensorField.lowerBytes, [2, .max])
    expect(rule, .tensor(60), [1, 1 << 31])
    expect(rule, TensorField.offset, [1 << 63])
  }

  @Test func lowerBytesBelongToBytesOfActivations() {
    let rule: StaticString = "lower bytes of uint8 activations only"
    // The image, and the features, which are float32.
    for index in [0, 9] {
      sound.expect(.tensor(index: index, rule), of: index, TensorField.lowerBytes, [1])
    }
    // The stem's result, whose place has room for the sum that is written there later.
    sound.expect(
      .step(index: 1, "lower bytes of int8 convolutions and scales only"), of: 1,
      TensorField.lowerBytes, [1])
  }

  @Test func shapesAreInRange() {
    let rule: StaticString = "height and width of 1 to 2048 and a border of at most 64"
    for side in TensorField.size.each { expect(rule, side, [0, 2049, .max]) }
    expect(rule, TensorField.border, [65, .max])
  }

  @Test func channelsComeInBlocks() {
    let rule: StaticString = "3 channels or whole blocks of 16, at most 65536"
    expect(rule, TensorField.channels, [0, 1, 4, 15, 17, 65552, .max])
    expect(rule, TensorField.usedChannels, [0, 17, .max])
  }

  @Test func quantizationIsInRange() {
    let rule: StaticString = "a positive finite scale and a zero point of at most 255"
    expect(rule, TensorField.scale, bits(.nan, .infinity, 0, -1))
    expect(rule, TensorField.zeroPoint, [256, .max])
  }

  @Test func placesAreInTheArena() {
    let rule: StaticString = "an aligned place within the arena"
    expect(rule, TensorField.offset, [1, 32, sound.arena, sound.arena + 64, 1 << 62])
    // It starts inside and ends outside.
    expect(rule, TensorField.size, [1024])
  }

  /// A small file cannot ask for much memory.
  @Test func theArenaIsAsLargeAsTheTensors() throws {
    for arena in [sound.arena + 64, sound.arena * 2, 1 << 31] as [UInt64] {
      sound.expect(.arenaAsNeeded) { $0.arena = arena }
    }
    // The image, behind a gap of 1 GiB.
    let image = try withView(sound.bytes) { PlanLayout.aligned($0.tensor(0).storageByteCount) }
    sound.expect(.arenaAsNeeded) {
      $0[TensorField.offset, 0] = 1 << 30
      $0.arena = 1 << 30 + UInt64(image)
    }
  }

  @Test func livesStartWithTheProducer() {
    let rule: StaticString = "a life that starts with the step that writes it"
    expect(rule, TensorField.producer, [0, 1, 3, 11, .max])
    expect(rule, TensorField.last, [1, 11, .max])
  }

  @Test func namesAreInTheStrings() {
    expect("a name within the strings", TensorField.name, [UInt64(sound[.strings].count), .max])
  }

  @Test func overlapsAreNamed() {
    // The image and the stem's result, live in the same step.
    sound.expect(
      .overlap(first: 0, second: 1), of: 1, TensorField.offset, [sound[TensorField.offset, 0]])
  }

  @Test func bordersAreOfEqualBytes() {
    expect(
      "a border of equal bytes, of zeros in float32", TensorField.pattern, [1, 0x0403_0201, 0xFF])
  }

  @Test func aSumInPlaceMustCoverItsResidualExactly() {
    // layer1.0 is written in place of the stem's result, one row of bytes further on.
    let place = sound[TensorField.offset, 1]
    #expect(sound[TensorField.offset, 3] == place)
    sound.expect(.overlap(first: 1, second: 3)) {
      $0.arena += 64
      $0[TensorField.offset, 3] = place + 64
    }
    // In place, but the residual is read by a later step too.
    sound.expect(.overlap(first: 1, second: 3), of: 1, TensorField.last, [4])
  }
}
