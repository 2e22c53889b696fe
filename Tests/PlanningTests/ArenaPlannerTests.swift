// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlanning
import Testing

@Suite struct ArenaPlannerTests {
  private typealias Buffer = ArenaPlanner.Buffer

  private func expect(
    _ buffers: [(Int, ClosedRange<Int>)], _ offsets: [Int], _ byteCount: Int, alignment: Int = 64,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let found = ArenaPlanner.place(
      buffers.map { Buffer(byteCount: $0.0, lifetime: $0.1) }, alignment: alignment)
    #expect(found.offsets == offsets, sourceLocation: sourceLocation)
    #expect(found.byteCount == byteCount, sourceLocation: sourceLocation)
  }

  @Test func nothingTakesNothing() {
    expect([], [], 0)
  }

  @Test func placesLargerBuffersFirst() {
    expect([(64, 0...1), (128, 0...1), (256, 0...1)], [384, 256, 0], 448)
  }

  @Test func keepsTheOrderOfEqualSizes() {
    expect([(64, 0...1), (64, 0...1), (64, 0...1)], [0, 64, 128], 192)
  }

  @Test func sharesBytesOfBuffersThatNeverMeet() {
    expect([(256, 0...1), (256, 2...3), (64, 4...9)], [0, 0, 0], 256)
  }

  @Test func countsTheLastStepAsLive() {
    expect([(256, 0...2), (256, 2...3)], [0, 256], 512)
  }

  @Test func reusesAFreedGap() {
    // The third buffer fits where the first, dead by then, was below the second.
    expect([(256, 0...1), (192, 1...3), (128, 2...3)], [0, 256, 0], 448)
  }

  @Test func passesOverAGapThatIsTooSmall() {
    expect([(256, 0...2), (128, 0...0), (128, 1...2), (64, 2...2)], [0, 256, 256, 384], 448)
    // Between 0...128 and 256... there is room for 128 bytes and not for 192.
    expect(
      [(512, 3...3), (256, 0...1), (192, 1...2), (192, 2...2), (128, 2...3)],
      [0, 0, 256, 0, 512], 640)
  }

  @Test func prefersTheLowerOfTwoGapsThatFit() {
    // At step 2 both the bytes of the 256 and those of the 128 behind the 192 are free.
    expect([(256, 0...1), (192, 0...2), (128, 0...1), (64, 2...2)], [0, 256, 448, 0], 576)
  }

  @Test func roundsSizesUpToTheAlignment() {
    expect([(1, 0...0), (65, 0...0)], [128, 0], 192)
    expect([(1, 0...0), (5, 0...0)], [8, 0], 12, alignment: 4)
  }

  @Test func randomBuffersNeverOverlap() {
    var generator = RandomGenerator(seed: 12)
    for _ in 0..<500 {
      let buffers = (0..<Int.random(in: 1...60, using: &generator)).map { _ in
        let first = Int.random(in: 0...50, using: &generator)
        return Buffer(
          byteCount: Int.random(in: 1...5000, using: &generator),
          lifetime: first...first + Int.random(in: 0...12, using: &generator))
      }
      let (offsets, byteCount) = ArenaPlanner.place(buffers)
      var isSound = true
      for a in buffers.indices {
        isSound = isSound && offsets[a] % 64 == 0 && offsets[a] >= 0
        isSound = isSound && offsets[a] + buffers[a].byteCount <= byteCount
        for b in buffers.indices where b != a {
          let live =
            buffers[a].lifetime.lowerBound <= buffers[b].lifetime.upperBound
            && buffers[b].lifetime.lowerBound <= buffers[a].lifetime.upperBound
          let shared =
            offsets[a] < offsets[b] + buffers[b].byteCount
            && offsets[b] < offsets[a] + buffers[a].byteCount
          isSound = isSound && !(live && shared)
        }
      }
      #expect(isSound, "\(buffers)")
      // No smaller than what lives at once, no greater than everything side by side.
      let peak = (0...62).map { step in
        buffers.filter { $0.lifetime.contains(step) }.reduce(0) { $0 + $1.byteCount }
      }.max()!
      #expect(byteCount >= peak)
      #expect(byteCount <= buffers.reduce(0) { $0 + ($1.byteCount + 63) / 64 * 64 })
    }
  }
}
