// SPDX-License-Identifier: Apache-2.0

/// Finds a place in one arena for buffers whose lifetimes are known.
///
/// The largest buffer is placed first; each goes to the lowest gap that fits among the placed buffers
/// that are live with it. Equal sizes are placed in the order given, so the result is always the same.
public enum ArenaPlanner {
  /// A buffer to place.
  public struct Buffer: Equatable, Sendable {
    /// Bytes; rounded up to the alignment.
    public var byteCount: Int
    /// The first and last step in which it is live.
    public var lifetime: ClosedRange<Int>

    public init(byteCount: Int, lifetime: ClosedRange<Int>) {
      self.byteCount = byteCount
      self.lifetime = lifetime
    }
  }

  /// - Parameters:
  ///   - buffers: the buffers.
  ///   - alignment: offsets are multiples of this.
  /// - Returns: the offset of each buffer and the bytes of the whole arena.
  /// - Complexity: O(buffers² log buffers).
  public static func place(_ buffers: [Buffer], alignment: Int = 64) -> (
    offsets: [Int], byteCount: Int
  ) {
    let sizes = buffers.map { ($0.byteCount + alignment - 1) / alignment * alignment }
    let order = buffers.indices.sorted { (sizes[$1], $0) < (sizes[$0], $1) }
    var offsets = [Int](repeating: 0, count: buffers.count)
    var placed: [Int] = []
    var end = 0
    for index in order {
      let neighbours =
        placed
        .filter { buffers[$0].lifetime.overlaps(buffers[index].lifetime) }
        .sorted { offsets[$0] < offsets[$1] }
      var gap = 0
      for neighbour in neighbours {
        if offsets[neighbour] - gap >= sizes[index] { break }
        gap = max(gap, offsets[neighbour] + sizes[neighbour])
      }
      offsets[index] = gap
      placed.append(index)
      end = max(end, gap + sizes[index])
    }
    return (offsets, end)
  }
}
