// SPDX-License-Identifier: Apache-2.0

import CResNetZip
import ResNetModelGraph

/// A zip archive in memory, read through libzip.
struct ZipArchive: ~Copyable {
  /// One file in the archive; sizes are in bytes.
  struct Entry {
    let name: String
    let index: UInt64
    let size: Int
  }

  /// The entries by name.
  let entries: [String: Entry]

  private let handle: OpaquePointer

  /// Opens the archive `bytes`, which must outlive this value, and checks the size of every
  /// entry, so that reading all of them takes no more memory and time than the limits or the archive allow.
  init(_ bytes: UnsafeRawBufferPointer, limits: ImportLimits) throws(ImportError) {
    try Self.checkEndRecords(bytes, limits)
    var error = zip_error_t()
    zip_error_init(&error)
    defer { zip_error_fini(&error) }
    let source = zip_source_buffer_create(bytes.baseAddress, UInt64(bytes.count), 0, &error)
    guard let source, let handle = zip_open_from_source(source, ZIP_RDONLY, &error) else {
      let reason = String(cString: zip_error_strerror(&error))
      zip_source_free(source)
      throw .badArchive(entry: "", reason: reason)
    }
    do {
      entries = try Self.list(handle, archiveBytes: bytes.count, limits: limits)
    } catch {
      zip_discard(handle)
      throw error
    }
    self.handle = handle
  }

  deinit { zip_discard(handle) }

  /// The contents of `entry`, whose CRC-32 libzip compares.
  func read(_ entry: Entry) throws(ImportError) -> [UInt8] {
    guard let file = zip_fopen_index(handle, entry.index, 0) else {
      throw .badArchive(entry: entry.name, reason: String(cString: zip_strerror(handle)))
    }
    defer { zip_fclose(file) }
    let contents = [UInt8](unsafeUninitializedCapacity: entry.size) { buffer, filled in
      filled = 0
      while filled < entry.size {
        let count = zip_fread(file, buffer.baseAddress! + filled, UInt64(entry.size - filled))
        if count <= 0 { break }
        filled += Int(count)
      }
    }
    // The CRC is compared when the end is met, so ask for one byte more than there should be.
    var extra: UInt8 = 0
    let beyond = zip_fread(file, &extra, 1)
    guard beyond >= 0 else {
      throw .badArchive(entry: entry.name, reason: String(cString: zip_file_strerror(file)))
    }
    guard contents.count == entry.size, beyond == 0 else {
      let found = beyond > 0 ? "more" : "\(contents.count)"
      throw .badArchive(
        entry: entry.name, reason: "its directory promises \(entry.size) bytes, it has \(found)")
    }
    return contents
  }

  /// Counts what looks like the archive's last record where libzip looks for it, which is where a comment of the
  /// greatest length leaves it.
  private static func checkEndRecords(_ bytes: UnsafeRawBufferPointer, _ limits: ImportLimits)
    throws(ImportError)
  {
    let end = UnsafeRawBufferPointer(rebasing: bytes.suffix(1 << 16 + 64))
    let count = end.indices.count {
      end[$0] == 0x50 && end.begins([0x50, 0x4b, 0x05, 0x06], at: $0)
    }
    try checkLimit(count, limits.zipEndRecords, "records at the end of the zip archive")
  }

  private static func list(_ handle: OpaquePointer, archiveBytes: Int, limits: ImportLimits)
    throws(ImportError) -> [String: Entry]
  {
    var entries: [String: Entry] = [:]
    // Each number is at most the archive's size or the limit, so no sum overflows before it is compared.
    var (packed, unpacked) = (0, 0)
    for index in 0..<UInt64(max(0, zip_get_num_entries(handle, 0))) {
      var status = zip_stat_t()
      zip_stat_init(&status)
      guard zip_stat_index(handle, index, 0, &status) == 0, let text = status.name else {
        throw .badArchive(entry: "number \(index)", reason: String(cString: zip_strerror(handle)))
      }
      let name = String(cString: text)
      let limit = limits.decodedBytes(of: archiveBytes)
      let size = try checkedSize(status, name: name, archiveBytes: archiveBytes, limit: limit)
      packed += Int(status.comp_size)
      guard packed <= archiveBytes else {
        throw .badArchive(
          entry: name, reason: "it and those before take more bytes than the archive has")
      }
      // What is not packed is limited when it is read.
      if Int32(status.comp_method) != ZIP_CM_STORE { unpacked += size }
      try checkLimit(unpacked, limit, "bytes of unpacked zip entries")
      let entry = Entry(name: name, index: index, size: size)
      guard entries.updateValue(entry, forKey: name) == nil else {
        throw .badArchive(entry: name, reason: "two entries of that name")
      }
    }
    return entries
  }

  private static func checkedSize(
    _ status: zip_stat_t, name: String, archiveBytes: Int, limit: Int
  ) throws(ImportError) -> Int {
    let needed = UInt64(
      ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD)
    func bad(_ reason: String) -> ImportError { .badArchive(entry: name, reason: reason) }
    guard status.valid & needed == needed else { throw bad("no size or compression method") }
    guard status.encryption_method == UInt16(ZIP_EM_NONE) else { throw bad("it is encrypted") }
    guard status.comp_size <= UInt64(archiveBytes) else {
      throw bad("\(status.comp_size) bytes in an archive of \(archiveBytes)")
    }
    let greatest: UInt64
    switch Int32(status.comp_method) {
    case ZIP_CM_STORE: greatest = status.comp_size
    // Deflate spends at least 1 bit on 129 bytes (a match of 258 takes 2 bits), so a size
    // beyond that ratio is a lie told to make the reader reserve memory.
    case ZIP_CM_DEFLATE: greatest = (status.comp_size + 1) * 8 * 129
    default:
      throw bad("compression method \(status.comp_method), expected 0 (stored) or 8 (deflate)")
    }
    guard status.size <= greatest else {
      throw bad("\(status.size) bytes cannot be packed in \(status.comp_size)")
    }
    if Int32(status.comp_method) != ZIP_CM_STORE {
      try checkLimit(Int(status.size), limit, "bytes in zip entry \(quoted(name))")
    }
    return Int(status.size)
  }
}
