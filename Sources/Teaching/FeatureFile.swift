// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetPlanFormat
public import ResNetPlatform

/// Why a file of features cannot be taken.
public enum FeatureFileError: Error, Equatable, TextDescribable {
  /// The file does not start with the magic of a file of features.
  case notFeatures
  /// The file is of another version.
  case version(found: UInt32)
  /// The file has another size than its header says.
  case size(expected: UInt64, found: Int)
  /// The bytes do not have the checksum in the header.
  case checksum
  /// The file breaks a rule.
  case rule(StaticString)
  /// The features are those of another network or of photos that were prepared otherwise.
  case otherNetwork
  /// The features are of so many views of each photo.
  case views(expected: Int, found: Int)

  /// Appends what was expected and what was found.
  ///
  /// - **Allocates:** nothing.
  public func describe(to line: inout TextLine) {
    switch self {
    case .notFeatures: line.append("expected a file of features: the magic RNFEAT at byte 0")
    case .version(let found):
      line.append("expected version \(FeatureFile.version) of files of features, found \(found)")
    case .size(let expected, let found):
      line.append("expected a file of \(expected) bytes, found \(found)")
    case .checksum: line.append("damaged file of features: it does not match its checksum")
    case .rule(let rule): line.append("invalid file of features: expected \(rule)")
    case .otherNetwork:
      line.append("expected features of this plan's network, found those of another one")
    case .views(let expected, let found):
      line.append(expected == 1 ? "expected features without" : "expected features with")
      line.append(" mirrored photos, found them ")
      line.append(found == 1 ? "without: leave out --flip" : "with: add --flip")
    }
  }

  public static func == (first: FeatureFileError, second: FeatureFileError) -> Bool {
    switch (first, second) {
    case (.notFeatures, .notFeatures), (.checksum, .checksum), (.otherNetwork, .otherNetwork): true
    case (.version(let a), .version(let b)): a == b
    case (.size(let a, let b), .size(let c, let d)): a == c && b == d
    case (.rule(let a), .rule(let b)): strcmp(a.cString, b.cString) == 0
    case (.views(let a, let b), .views(let c, let d)): a == c && b == d
    default: false
    }
  }
}

#if !hasFeature(Embedded)
  extension FeatureFileError: CustomStringConvertible {}
#endif

/// The features of photos in a file, so that the photos need not be there another time.
///
/// All numbers are little-endian.
///
/// | bytes | type | content |
/// |---|---|---|
/// | 0–7 | | magic `RNFEAT\r\n` |
/// | 8 | u32 | version, 1 |
/// | 12 | u32 | CRC-32C of all bytes from 16 |
/// | 16 | u64 | size of the file in bytes |
/// | 24, 28 | u32 | photos, classes |
/// | 32, 36 | u32 | features of a view, views of a photo |
/// | 40 | u64 | bytes of the names |
/// | 48–79 | | fingerprint of the network |
/// | 80–95 | | 0 |
/// | 96– | | names of the classes, in their order, and then of the photos, each ended by a zero byte, at most 255 bytes before it; zeros up to a multiple of 4 |
/// | | u32 | the class of each photo |
/// | | | the SHA-256 digest of each photo |
/// | | f32 | the features of each photo |
public struct FeatureFile {
  public static var version: UInt32 { 1 }
  static var headerByteCount: Int { 96 }

  /// What tells networks apart: the digest of the features of a known image and of the preprocessing.
  public typealias Fingerprint = PhotoTable.Digest

  /// The number of photos and of classes.
  public let count, classCount: Int
  /// Numbers of a photo.
  public let featureCount: Int
  /// Bytes of all names.
  public let nameBytes: Int

  private let bytes: UnsafeRawBufferPointer

  /// Validates a file.
  ///
  /// - Parameters:
  ///   - bytes: the file, which does not change and outlives this value.
  ///   - fingerprint: of the network.
  ///   - features: the features of a view.
  ///   - views: the views of a photo.
  /// - Throws: ``FeatureFileError``.
  /// - **Allocates:** nothing.
  public init(
    validating bytes: UnsafeRawBufferPointer, _ fingerprint: Fingerprint, features: Int, views: Int
  ) throws(FeatureFileError) {
    let magic: StaticString = "RNFEAT\r\n"
    guard bytes.count >= FeatureFile.headerByteCount,
      memcmp(bytes.baseAddress!, magic.utf8Start, 8) == 0
    else { throw .notFeatures }
    func u32(_ offset: Int) -> UInt32 { bytes.u32(offset) }
    func u64(_ offset: Int) -> UInt64 { UInt64(u32(offset)) | UInt64(u32(offset + 4)) << 32 }
    guard u32(8) == FeatureFile.version else { throw .version(found: u32(8)) }
    guard u64(16) == UInt64(bytes.count) else {
      throw .size(expected: u64(16), found: bytes.count)
    }
    guard rn_crc32c(0, bytes.baseAddress! + 16, bytes.count - 16) == u32(12) else {
      throw .checksum
    }
    guard 1...TeachingSize.mostPhotos ~= Int(u32(24)),
      1...TeachingSize.mostClasses ~= Int(u32(28)), 1...65536 ~= u32(32), 1...2 ~= u32(36),
      u64(40) <= UInt64(bytes.count), u64(80) == 0, u64(88) == 0
    else { throw .rule("1 to 1000000 photos of 1 to 4096 classes and zeros in reserved bytes") }
    count = Int(u32(24))
    classCount = Int(u32(28))
    nameBytes = Int(u64(40))
    self.bytes = bytes
    let isSame = withUnsafeBytes(of: fingerprint) {
      memcmp(bytes.baseAddress! + 48, $0.baseAddress!, 32) == 0
    }
    guard isSame, Int(u32(32)) == features else { throw .otherNetwork }
    guard Int(u32(36)) == views else { throw .views(expected: views, found: Int(u32(36))) }
    featureCount = features * views
    guard bytes.count == featureStart + 4 * count * featureCount else {
      throw .rule("as many bytes as photos, classes and features need")
    }
    try validateNames()
    for index in 0..<count where label(index) >= classCount {
      throw .rule("a class for each photo")
    }
    for index in 0..<count * featureCount {
      guard value(index).magnitude <= TeachingSize.greatestFeature else {
        throw .rule("features of -1e15 to 1e15")
      }
    }
  }

  private func validateNames() throws(FeatureFileError) {
    let rule: StaticString = "a name of at most 255 bytes for each class and photo"
    var (names, length) = (0, 0)
    for index in 0..<nameBytes {
      if bytes[FeatureFile.headerByteCount + index] != 0 {
        length += 1
        continue
      }
      guard 1...TeachingSize.mostNameBytes ~= length else { throw .rule(rule) }
      names += 1
      length = 0
    }
    guard names == count + classCount, length == 0 else { throw .rule(rule) }
    for index in FeatureFile.headerByteCount + nameBytes..<labelStart where bytes[index] != 0 {
      throw .rule("zeros behind the names")
    }
    var name = firstName
    for _ in 1..<classCount {
      let next = name + strlen(name) + 1
      guard strcmp(name, next) < 0 else { throw .rule("classes in the order of their names") }
      name = next
    }
  }

  private var firstName: UnsafePointer<CChar> {
    (bytes.baseAddress! + FeatureFile.headerByteCount).assumingMemoryBound(to: CChar.self)
  }
  private var labelStart: Int { FeatureFile.headerByteCount + (nameBytes + 3) / 4 * 4 }
  private var digestStart: Int { labelStart + 4 * count }
  private var featureStart: Int { digestStart + 32 * count }

  private func label(_ index: Int) -> Int { Int(bytes.u32(labelStart + 4 * index)) }

  private func value(_ index: Int) -> Float { bytes.f32(featureStart + 4 * index) }

  /// Adds the photos to a table that is empty: its classes are those of the file.
  public func add(to table: inout PhotoTable) {
    var name = firstName
    for _ in 0..<classCount {
      _ = table.addClass(name)
      name += strlen(name) + 1
    }
    for index in 0..<count {
      var digest = PhotoTable.Digest(repeating: 0)
      withUnsafeMutableBytes(of: &digest) {
        $0.copyMemory(
          from: UnsafeRawBufferPointer(
            rebasing: bytes[(digestStart + 32 * index)..<(digestStart + 32 * index + 32)]))
      }
      let place = table.add(name, label: label(index), digest)
      for feature in 0..<featureCount {
        place[feature] = value(index * featureCount + feature)
      }
      name += strlen(name) + 1
    }
  }

  /// Writes a sorted table as a file.
  ///
  /// - Parameter write: takes the next bytes.
  public static func write<Failure: Error>(
    _ table: PhotoTable, _ fingerprint: Fingerprint, features: Int, views: Int,
    _ write: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    var header = InlineArray<96, UInt8>(repeating: 0)
    var (checksum, byteCount): (UInt32, Int) = (0, headerByteCount)
    let names = nameByteCount(table)
    withUnsafeMutableBytes(of: &header) { header in
      let magic: StaticString = "RNFEAT\r\n"
      header.copyMemory(from: UnsafeRawBufferPointer(start: magic.utf8Start, count: 8))
      func put(_ value: Int, _ offset: Int) {
        header.storeBytes(
          of: UInt32(truncatingIfNeeded: value).littleEndian, toByteOffset: offset, as: UInt32.self)
      }
      byteCount +=
        (names + 3) / 4 * 4 + table.count * (4 + 32 + 4 * features * views)
      put(Int(version), 8)
      put(byteCount, 16)
      put(byteCount >> 32, 20)
      put(table.count, 24)
      put(table.classCount, 28)
      put(features, 32)
      put(views, 36)
      put(names, 40)
      put(names >> 32, 44)
      withUnsafeBytes(of: fingerprint) {
        UnsafeMutableRawBufferPointer(rebasing: header[48..<80]).copyMemory(from: $0)
      }
      checksum = rn_crc32c(0, header.baseAddress! + 16, header.count - 16)
      forEachPiece(table, names) { (bytes) throws(Never) in
        checksum = rn_crc32c(checksum, bytes.baseAddress, bytes.count)
      }
      put(Int(checksum), 12)
    }
    try withUnsafeBytes(of: header) { header throws(Failure) in try write(header) }
    try forEachPiece(table, names, write)
  }

  private static func nameByteCount(_ table: PhotoTable) -> Int {
    var count = 0
    for index in 0..<table.classCount { count += strlen(table.className(index)) + 1 }
    for place in 0..<table.count { count += strlen(table.name(place)) + 1 }
    return count
  }

  private static func forEachPiece<Failure: Error>(
    _ table: PhotoTable, _ names: Int,
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    func piece(_ name: UnsafePointer<CChar>) -> UnsafeRawBufferPointer {
      UnsafeRawBufferPointer(start: name, count: strlen(name) + 1)
    }
    for index in 0..<table.classCount { try body(piece(table.className(index))) }
    for place in 0..<table.count { try body(piece(table.name(place))) }
    let zero: UInt32 = 0
    try withUnsafeBytes(of: zero) { zero throws(Failure) in
      try body(UnsafeRawBufferPointer(rebasing: zero[..<((4 - names % 4) % 4)]))
    }
    for place in 0..<table.count {
      let label = UInt32(table.label(place)).littleEndian
      try withUnsafeBytes(of: label) { bytes throws(Failure) in try body(bytes) }
    }
    for place in 0..<table.count {
      try withUnsafeBytes(of: table.digest(place)) { bytes throws(Failure) in try body(bytes) }
    }
    for place in 0..<table.count {
      for value in table.features(place) {
        try withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes throws(Failure) in
          try body(bytes)
        }
      }
    }
  }
}
