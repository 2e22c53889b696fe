// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetRuntime
import Testing

@Suite struct TopKTests {
  /// The places that `topK` finds; what lies behind them must stay as it was.
  private func places(_ values: [Float], room: Int) -> [Int] {
    var indices = [Int](repeating: -1, count: room)
    let count = values.withUnsafeBufferPointer { values in
      indices.withUnsafeMutableBufferPointer { topK(values, into: $0) }
    }
    #expect(indices.dropFirst(count).allSatisfy { $0 == -1 })
    return Array(indices.prefix(count))
  }

  private func sorted(_ values: [Float], room: Int) -> [Int] {
    let order = values.indices.filter { !values[$0].isNaN }
      .sorted { (values[$1], $0) < (values[$0], $1) }
    return Array(order.prefix(room))
  }

  @Test func agreesWithASort() {
    var generator = RandomGenerator(seed: 3)
    for count in [0, 1, 2, 5, 15, 16, 17, 31, 32, 33, 100, 1000] {
      for room in [0, 1, 2, 5, 16, 100, 1001] {
        let values = (0..<count).map { _ in Float.random(in: -9...9, using: &generator) }
        #expect(places(values, room: room) == sorted(values, room: room), "\(count), \(room)")
        #expect(places(values.sorted(), room: room) == sorted(values.sorted(), room: room))
      }
    }
  }

  @Test func theLowerPlaceOfEqualValuesIsFirst() {
    var generator = RandomGenerator(seed: 4)
    for room in [1, 3, 5, 20] {
      let values = (0..<200).map { _ in Float(Int.random(in: -2...2, using: &generator)) }
      #expect(places(values, room: room) == sorted(values, room: room))
    }
    #expect(places([Float](repeating: 7, count: 40), room: 3) == [0, 1, 2])
    #expect(places([0, -0.0, 0], room: 3) == [0, 1, 2])
  }

  @Test func nansAreNeverAmongTheGreatest() {
    var generator = RandomGenerator(seed: 5)
    for room in [1, 5, 40] {
      var values = (0..<100).map { _ in Float.random(in: -1...1, using: &generator) }
      for _ in 0..<60 { values[Int.random(in: 0..<100, using: &generator)] = .nan }
      #expect(places(values, room: room) == sorted(values, room: room))
    }
    #expect(places([Float](repeating: .nan, count: 33), room: 2) == [])
    // A greater value in a vector that also holds a NaN is not skipped.
    var values = [Float](repeating: 0, count: 32)
    values[20] = .nan
    values[21] = 1
    #expect(places(values, room: 1) == [21])
  }

  @Test func infinitiesHaveTheirOrder() {
    let values: [Float] = [1, -.infinity, .infinity, 2, -.infinity]
    #expect(places(values, room: 5) == [2, 3, 0, 1, 4])
  }
}
