// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform

/// The names in a folder, sorted by their bytes, without those that start with a dot.
public struct DirectoryListing: ~Copyable {
  /// How many names there are.
  public private(set) var count = 0

  // Null in an empty folder.
  private let entries: UnsafeMutablePointer<UnsafeMutablePointer<dirent>?>?

  /// Lists a folder.
  ///
  /// - Parameter path: the folder, a text that outlives the error it may appear in.
  public init(_ path: UnsafePointer<CChar>) throws(PhotoFolderError) {
    var list: UnsafeMutablePointer<UnsafeMutablePointer<dirent>?>?
    let found = rn_list_directory(path, &list)
    guard found >= 0 else { throw .folder(path, errno: rn_errno()) }
    entries = list
    count = Int(found)
  }

  deinit {
    for index in 0..<count { free(entries![index]) }
    free(entries)
  }

  /// A name, ended by a zero byte; valid until the listing changes or ends.
  public subscript(_ index: Int) -> UnsafePointer<CChar> { rn_entry_name(entries![index]!) }

  /// Drops the names for which `isWanted` is false.
  public mutating func keep(
    where isWanted: (UnsafePointer<CChar>) throws(PhotoFolderError) -> Bool
  ) throws(PhotoFolderError) {
    guard let entries else { return }
    var kept = 0
    for index in 0..<count where try isWanted(self[index]) {
      // Swapped, not overwritten: whatever happens, every entry stays in its list to be freed.
      let entry = entries[kept]
      entries[kept] = entries[index]
      entries[index] = entry
      kept += 1
    }
    for index in kept..<count { free(entries[index]) }
    count = kept
  }
}
