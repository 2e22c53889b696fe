// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetTeaching
import Testing

/// Files of features, sound and damaged.
@Suite struct FeatureFileTests {
  private static let network = FeatureFile.Fingerprint { UInt8($0) }

  /// Memory of a table that lives as long as a test.
  private final class Room {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)
    deinit { memory.deallocate() }

    func table(photos: Int = 20) -> PhotoTable {
      PhotoTable(
        PhotoTable.Size(photos: photos, classes: 8, features: 6, nameBytes: 500),
        memory: memory.baseAddress!)
    }
  }

  /// Photos of two classes, in no order.
  private func fill(_ table: inout PhotoTable) {
    for (label, name) in [("b", "2"), ("a", "1"), ("b", "1"), ("a", "1")] {
      let index = UInt8(table.count)
      let place = table.add(name, label: table.addClass(label), PhotoTable.Digest { _ in index })
      for feature in 0..<6 { place[feature] = Float(table.count) + Float(feature) / 8 }
    }
    table.sort()
  }

  private func file(_ table: PhotoTable) -> [UInt8] {
    var bytes: [UInt8] = []
    FeatureFile.write(table, Self.network, features: 3, views: 2) { (piece) throws(Never) in
      bytes.append(contentsOf: piece)
    }
    return bytes
  }

  private func listing(_ table: PhotoTable) -> [String] {
    (0..<table.count).map { place in
      let features = table.features(place).map { "\($0)" }.joined(separator: " ")
      return "\(String(cString: table.className(table.label(place))))/"
        + "\(String(cString: table.name(place))) \(table.digest(place)[0]) \(features)"
    }
  }

  private func open(_ bytes: [UInt8], views: Int = 2) throws(FeatureFileError) -> [String] {
    let room = Room()
    var table = room.table()
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    let file = try FeatureFile(
      validating: UnsafeRawBufferPointer(copy), Self.network, features: 3, views: views)
    file.add(to: &table)
    table.sort()
    return listing(table)
  }

  @Test("photos come back, sorted by class, name and digest")
  func roundTrip() throws {
    let room = Room()
    var table = room.table()
    fill(&table)
    #expect(listing(table).map { String($0.prefix(5)) } == ["a/1 1", "a/1 3", "b/1 2", "b/2 0"])
    #expect(table.places(ofClass: 0) == 0..<2 && table.places(ofClass: 1) == 2..<4)
    #expect(try open(file(table)) == listing(table))
  }

  @Test("photos that were kept come again with other names and classes, and as copies")
  func matches() {
    let room = Room()
    var table = room.table()
    let (digest, other) = (PhotoTable.Digest { UInt8($0) }, PhotoTable.Digest { UInt8(9 + $0) })
    let (a, b) = (table.addClass("a"), table.addClass("b"))
    for (name, label, digest) in [("x", a, digest), ("y", b, digest), ("z", b, other)] {
      let features = table.add(name, label: label, digest)
      features.update(repeating: Float(digest[0]))
    }
    table.keepPhotos()
    #expect(table.match(PhotoTable.Digest { _ in 7 }, "x", label: a) == .new)
    // One of the class goes before the first.
    #expect(table.match(digest, "new", label: b) == .known(isMoved: false))
    #expect(table.match(digest, "moved", label: b) == .known(isMoved: true))
    #expect(table.match(digest, "copy", label: a) == .copied)
    #expect(table.match(other, "z", label: b) == .known(isMoved: false))
    table.sort()
    let zeros = " 0 0.0 0.0 0.0 0.0 0.0 0.0"
    let nines = " 9 9.0 9.0 9.0 9.0 9.0 9.0"
    #expect(
      listing(table) == ["a/copy" + zeros, "b/moved" + zeros, "b/new" + zeros, "b/z" + nines])
  }

  @Test("names are of 1 to 255 bytes, with zeros behind the last")
  func names() throws {
    func bytes(_ name: String) -> [UInt8] {
      let room = Room()
      var table = room.table()
      table.add(name, label: table.addClass("a"), PhotoTable.Digest { UInt8($0) })
        .update(repeating: 1)
      table.sort()
      return file(table)
    }
    let rule: StaticString = "a name of at most 255 bytes for each class and photo"
    #expect(try open(bytes(String(repeating: "n", count: 255))).count == 1)
    #expect(throws: FeatureFileError.rule(rule)) {
      try open(bytes(String(repeating: "n", count: 256)))
    }
    // Two bytes for the class, five for the photo, and one zero.
    var padded = bytes("four")
    padded[96 + 7] = 1
    reseal(&padded)
    #expect(throws: FeatureFileError.rule("zeros behind the names")) { try open(padded) }
  }

  /// Writes the checksum that the bytes should have.
  private func reseal(_ bytes: inout [UInt8]) {
    guard bytes.count > 16 else { return }
    let crc = bytes.withUnsafeBytes { rn_crc32c(0, $0.baseAddress! + 16, $0.count - 16) }
    for byte in 0..<4 { bytes[12 + byte] = UInt8(truncatingIfNeeded: crc >> (8 * byte)) }
  }

  @Test("what is damaged is refused, whatever the checksum says")
  func damage() throws {
    let room = Room()
    var table = room.table()
    fill(&table)
    let sound = file(table)
    func expect(
      _ error: FeatureFileError, reseal: Bool = true, views: Int = 2,
      _ change: (inout [UInt8]) -> Void
    ) {
      var bytes = sound
      change(&bytes)
      if reseal { self.reseal(&bytes) }
      #expect(throws: error) { try open(bytes, views: views) }
    }
    expect(.notFeatures) { $0[0] = 0 }
    expect(.notFeatures) { $0 = Array($0[..<95]) }
    expect(.version(found: 2)) { $0[8] = 2 }
    expect(.size(expected: UInt64(sound.count), found: sound.count - 1)) { $0.removeLast() }
    expect(.checksum, reseal: false) { $0[100] ^= 1 }
    let counts: StaticString =
      "1 to 1000000 photos of 1 to 4096 classes and zeros in reserved bytes"
    for offset in [24, 28, 32, 36] {
      expect(.rule(counts)) { for byte in 0..<4 { $0[offset + byte] = 0 } }
      expect(.rule(counts)) { for byte in 0..<4 { $0[offset + byte] = 0xFF } }
    }
    expect(.rule(counts)) { $0[47] = 0x80 }
    expect(.rule(counts)) { $0[80] = 1 }
    expect(.otherNetwork) { $0[48] ^= 1 }
    expect(.otherNetwork) { $0[32] = 2 }
    expect(.views(expected: 1, found: 2), views: 1) { _ in }
    expect(.rule("as many bytes as photos, classes and features need")) { $0[24] = 5 }
    expect(.rule("a name of at most 255 bytes for each class and photo")) { $0[28] = 3 }
    expect(.rule("a name of at most 255 bytes for each class and photo")) { $0[96] = 0 }
    expect(.rule("a name of at most 255 bytes for each class and photo")) { $0[97] = 1 }
    for letter in "bc" {
      expect(.rule("classes in the order of their names")) { $0[96] = letter.asciiValue! }
    }
    // Behind 12 bytes of names are the labels.
    expect(.rule("a class for each photo")) { $0[96 + 12] = 2 }
    for value: Float in [.infinity, -.infinity, .nan, 1.1e15, -1.1e15] {
      expect(.rule("features of -1e15 to 1e15")) { bytes in
        bytes.removeLast(4)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
      }
    }
    // No change of a byte may do harm; few are accepted, such as other letters of names.
    for offset in sound.indices {
      for bit in 0..<8 {
        var bytes = sound
        bytes[offset] ^= 1 << bit
        reseal(&bytes)
        _ = try? open(bytes)
      }
    }
  }
}
