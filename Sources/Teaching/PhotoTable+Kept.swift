// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform

// Photos whose features were kept from before, and which may come again with the folders. The table is not sorted
// yet.

extension PhotoTable {
  /// What a photo of the folders is to those that were kept.
  public enum Match: Equatable, Sendable {
    /// None of them has its digest.
    case new
    /// It is one of them, which has its class and name now; whether the class was another.
    case known(isMoved: Bool)
    /// All that have its digest are other photos of the folders: it was added with their features.
    case copied
  }

  /// Lets ``match(_:_:label:)`` find the photos that are in the table.
  ///
  /// - Complexity: O(photos · log photos).
  public mutating func keepPhotos() {
    keptCount = count
    for index in 0..<classCount { classes[index].isKept = true }
    heapSort(UnsafeMutableBufferPointer(start: order, count: count)) { first, second in
      let digests = compareDigests(entries[Int(first)].digest, entries[Int(second)].digest)
      return digests != 0 ? digests < 0 : first < second
    }
  }

  /// Finds the kept photo that a photo of the folders is.
  ///
  /// What comes out is what the folders alone would give: copies of a photo stay copies, for each kept photo is one of
  /// the folders' only; one of the same class and name goes first, then one of the same class.
  ///
  /// - Complexity: O(log photos), and O(n) of n photos with the digest.
  public mutating func match(
    _ digest: Digest, _ name: UnsafePointer<CChar>, label: Int
  ) -> Match {
    let first = firstKept(digest)
    var (best, bestRank) = (-1, 0)
    var place = first
    while place < keptCount, compareDigests(kept(place).digest, digest) == 0 {
      let rank = kept(place).isTaken ? 0 : likeness(of: kept(place), name, label)
      if rank > bestRank { (best, bestRank) = (Int(order[place]), rank) }
      place += 1
    }
    guard place > first else { return .new }
    guard best >= 0 else {
      let source = values + Int(order[first]) * size.features
      add(name, label: label, digest).baseAddress!.update(from: source, count: size.features)
      return .copied
    }
    let isMoved = Int(entries[best].label) != label
    entries[best].isTaken = true
    entries[best].label = UInt32(label)
    if strcmp(names + Int(entries[best].name), name) != 0 { entries[best].name = add(name) }
    return .known(isMoved: isMoved)
  }

  /// Drops the classes that only kept photos had and all of them have left: a folder that got another name.
  mutating func dropEmptyClasses() {
    // Ranks count photos, and then are the new indices.
    for index in 0..<classCount { classes[index].rank = 0 }
    for photo in 0..<count { classes[Int(entries[photo].label)].rank += 1 }
    var left = 0
    for index in 0..<classCount {
      let isDropped = classes[index].isKept && classes[index].rank == 0
      classes[index].rank = UInt32(left)
      if !isDropped { left += 1 }
    }
    for photo in 0..<count {
      entries[photo].label = classes[Int(entries[photo].label)].rank
    }
    for index in 0..<classCount {
      // One that is dropped has the index of the next one, which follows.
      classes[Int(classes[index].rank)] = classes[index]
    }
    classCount = left
  }

  private func kept(_ place: Int) -> Entry { entries[Int(order[place])] }

  private func likeness(
    of entry: Entry, _ name: UnsafePointer<CChar>, _ label: Int
  ) -> Int {
    guard Int(entry.label) == label else { return 1 }
    return strcmp(names + Int(entry.name), name) == 0 ? 3 : 2
  }

  /// The first place of a kept photo whose digest is not less.
  private func firstKept(_ digest: Digest) -> Int {
    firstPlace(below: keptCount) { compareDigests(kept($0).digest, digest) >= 0 }
  }
}
