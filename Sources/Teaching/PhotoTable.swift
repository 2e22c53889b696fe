// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform

/// What is known of labelled photos: their classes, names, digests and features.
///
/// - **Allocates:** nothing; the caller gives the memory.
public struct PhotoTable {
  /// What the memory of a table depends on.
  public struct Size: Equatable, Sendable {
    /// The most photos and classes.
    public var photos, classes: Int
    /// Numbers of a photo: features of all its views.
    public var features: Int
    /// Bytes of all names of classes and photos, with a zero byte behind each.
    public var nameBytes: Int

    public init(photos: Int, classes: Int, features: Int, nameBytes: Int) {
      self.photos = photos
      self.classes = classes
      self.features = features
      self.nameBytes = nameBytes
    }
  }

  /// The SHA-256 digest of a photo's file.
  public typealias Digest = InlineArray<32, UInt8>

  /// The number of photos.
  public private(set) var count = 0
  /// The number of classes.
  public internal(set) var classCount = 0

  let size: Size
  let entries: UnsafeMutablePointer<Entry>
  let order: UnsafeMutablePointer<UInt32>
  let names: UnsafeMutablePointer<CChar>
  let values: UnsafeMutablePointer<Float>
  /// The photos that were kept from before, the first ones; until the table is sorted, `order` has them by digest.
  var keptCount = 0
  let classes: UnsafeMutablePointer<Class>
  private var nameEnd = 0

  struct Class {
    var name: UInt32
    /// Its place among all classes by name, once the table is sorted.
    var rank: UInt32
    /// Whether kept photos alone had it.
    var isKept = false
  }

  struct Entry {
    var name: UInt32
    var label: UInt32
    var digest: Digest
    /// Whether it was kept and is one of the folders' photos too.
    var isTaken = false
  }

  /// The bytes of memory that a table takes.
  public static func byteCount(_ size: Size) -> Int { offsets(size).4 }

  /// An empty table.
  ///
  /// - Parameter memory: ``byteCount(_:)`` bytes that outlive the table, aligned to 64.
  public init(_ size: Size, memory: UnsafeMutableRawPointer) {
    let offsets = PhotoTable.offsets(size)
    self.size = size
    values = memory.assumingMemoryBound(to: Float.self)
    entries = (memory + offsets.0).assumingMemoryBound(to: Entry.self)
    classes = (memory + offsets.1).assumingMemoryBound(to: Class.self)
    order = (memory + offsets.2).assumingMemoryBound(to: UInt32.self)
    names = (memory + offsets.3).assumingMemoryBound(to: CChar.self)
  }

  private static func offsets(_ size: Size) -> (Int, Int, Int, Int, Int) {
    func end(_ start: Int, _ bytes: Int) -> Int { start + (bytes + 63) / 64 * 64 }
    let entries = end(0, 4 * size.photos * size.features)
    let classes = end(entries, size.photos * MemoryLayout<Entry>.stride)
    let order = end(classes, size.classes * MemoryLayout<Class>.stride)
    let names = end(order, 4 * size.photos)
    return (entries, classes, order, names, end(names, size.nameBytes))
  }

  /// The class of a name, which is added if there is none.
  public mutating func addClass(_ name: UnsafePointer<CChar>) -> Int {
    for index in 0..<classCount where strcmp(names + Int(classes[index].name), name) == 0 {
      classes[index].isKept = false
      return index
    }
    precondition(classCount < size.classes, "as many classes as announced")
    classes[classCount] = Class(name: add(name), rank: UInt32(classCount))
    classCount += 1
    return classCount - 1
  }

  /// Adds a photo and returns where its features are to be written.
  public mutating func add(
    _ name: UnsafePointer<CChar>, label: Int, _ digest: Digest
  ) -> UnsafeMutableBufferPointer<Float> {
    precondition(count < size.photos, "as many photos as announced")
    entries[count] = Entry(name: add(name), label: UInt32(label), digest: digest)
    order[count] = UInt32(count)
    count += 1
    return UnsafeMutableBufferPointer(
      start: values + (count - 1) * size.features, count: size.features)
  }

  mutating func add(_ name: UnsafePointer<CChar>) -> UInt32 {
    let start = nameEnd
    nameEnd += strlen(name) + 1
    precondition(nameEnd <= size.nameBytes, "as many names as announced")
    strcpy(names + start, name)
    return UInt32(start)
  }

  /// Sorts the classes by name, and the photos by class, name and digest: what is learned does not depend on
  /// the order in which photos came, nor on which of them were kept.
  public mutating func sort() {
    dropEmptyClasses()
    for index in 0..<classCount {
      var rank = 0
      for other in 0..<classCount
      where strcmp(names + Int(classes[other].name), names + Int(classes[index].name)) < 0 {
        rank += 1
      }
      classes[index].rank = UInt32(rank)
    }
    heapSort(UnsafeMutableBufferPointer(start: order, count: count)) { isBefore($0, $1) }
  }

  private func isBefore(_ first: UInt32, _ second: UInt32) -> Bool {
    let (a, b) = (entries[Int(first)], entries[Int(second)])
    let (left, right) = (classes[Int(a.label)].rank, classes[Int(b.label)].rank)
    if left != right { return left < right }
    let names = strcmp(self.names + Int(a.name), self.names + Int(b.name))
    if names != 0 { return names < 0 }
    let digests = compareDigests(a.digest, b.digest)
    return digests != 0 ? digests < 0 : first < second
  }

  func compareDigests(_ first: Digest, _ second: Digest) -> Int32 {
    withUnsafeBytes(of: first) { first in
      withUnsafeBytes(of: second) { second in
        memcmp(first.baseAddress!, second.baseAddress!, 32)
      }
    }
  }

  // MARK: In sorted order

  /// The name of a class, by its place among the sorted ones.
  public func className(_ rank: Int) -> UnsafePointer<CChar> {
    var index = 0
    while Int(classes[index].rank) != rank { index += 1 }
    return UnsafePointer(names + Int(classes[index].name))
  }

  /// The name of a photo.
  public func name(_ place: Int) -> UnsafePointer<CChar> {
    UnsafePointer(names + Int(entries[Int(order[place])].name))
  }

  /// The class of a photo, by its place among the sorted ones.
  public func label(_ place: Int) -> Int {
    Int(classes[Int(entries[Int(order[place])].label)].rank)
  }

  /// The places of a class's photos.
  ///
  /// - Complexity: O(log photos).
  public func places(ofClass rank: Int) -> Range<Int> {
    let first = firstPlace(below: count) { label($0) >= rank }
    return first..<firstPlace(below: count) { label($0) > rank }
  }

  /// The first place at which a condition holds that holds at all later ones too; `end` if at none.
  func firstPlace(below end: Int, where holds: (Int) -> Bool) -> Int {
    var (low, high) = (0, end)
    while low < high {
      let middle = (low + high) / 2
      if holds(middle) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// The digest of a photo.
  public func digest(_ place: Int) -> Digest { entries[Int(order[place])].digest }

  /// The features of a photo.
  public func features(_ place: Int) -> UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(
      start: values + Int(order[place]) * size.features, count: size.features)
  }
}
