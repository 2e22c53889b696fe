// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetPlanning
import ResNetQuantization
import TestPlans
import Testing

/// Which files of a folder are its photos.
@Suite final class PhotoFolderTests {
  private let root = FileManager.default.temporaryDirectory
    .appendingPathComponent("photo-folder-tests-\(UUID().uuidString)")
  private let examples = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Models/examples")

  deinit { try? FileManager.default.removeItem(at: root) }

  private func path(_ name: String) -> String { root.appendingPathComponent(name).path }

  private func write(_ data: Data, _ name: String) throws {
    let url = root.appendingPathComponent(name)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try data.write(to: url)
  }

  private func photo(_ name: String) throws -> Data {
    try Data(contentsOf: examples.appendingPathComponent("\(name).jpg"))
  }

  /// Two photos, which every folder of these tests comes to.
  private func writeTwo(_ folder: String, _ names: (String, String) = ("a.jpg", "b.JPEG")) throws {
    try write(photo("church"), "\(folder)/\(names.0)")
    try write(photo("tench"), "\(folder)/\(names.1)")
  }

  private func link(_ target: String, _ name: String) throws {
    try FileManager.default.createDirectory(
      atPath: (path(name) as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(atPath: path(name), withDestinationPath: target)
  }

  private var plain: String {
    get throws {
      try writeTwo("plain")
      return try ImageFolder(path("plain")).description
    }
  }

  @Test func linksAreFollowedAndCyclesEnd() throws {
    let expected = try plain
    try link("plain", "link")
    #expect(try ImageFolder(path("link")).description == expected)
    try link("../plain", "links/a")
    // The same folder again, the folder around it and one that does not exist.
    try link("../plain", "links/b")
    try link("..", "links/c/up")
    try link("nowhere", "links/d")
    #expect(try ImageFolder(path("links")).description == expected)
    try link(path("plain/a.jpg"), "files/a.jpg")
    try link("../plain/b.JPEG", "files/b.jpg")
    #expect(try ImageFolder(path("files")).description == expected)
  }

  @Test func aPathThatRepeatsTheFoldersName() throws {
    let expected = try plain
    try writeTwo("data/set/data")
    let before = FileManager.default.currentDirectoryPath
    #expect(try ImageFolder(path("data")).description == expected)
    #expect(try ImageFolder(path("data") + "/").description == expected)
    #expect(FileManager.default.currentDirectoryPath == before)
  }

  @Test func hiddenAndForeignFilesAreLeftOut() throws {
    let expected = try plain
    try writeTwo("busy", ("a.jfif", "b.jpe"))
    try write(Data("Mac OS X".utf8), "busy/._a.jpg")
    for folder in [".ipynb_checkpoints", "@eaDir", "__MACOSX", "$RECYCLE.BIN"] {
      try write(photo("golf-ball"), "busy/\(folder)/c.jpg")
    }
    for name in ["c.webp", "sub/d.HEIC", "e.heic", "notes.txt"] {
      try write(Data(), "busy/\(name)")
    }
    let folder = try ImageFolder(path("busy"))
    #expect(folder.description == expected)
    #expect(folder.otherFormats == "1 .webp, 2 .heic (not JPEG or PNG: convert them)")
    #expect(folder.unreadable == [])
    #expect(try ImageFolder(path("plain")).otherFormats == nil)
    try write(Data(), "others/a.webp")
    #expect(
      throws: QuantizationError.noPhotos(
        folder: path("others"), otherFormats: "1 .webp (not JPEG or PNG: convert them)")
    ) {
      try ImageFolder(path("others"))
    }
  }

  @Test func pipesAreUnreadablePhotos() throws {
    try writeTwo("pipes")
    mkfifo(path("pipes/z.jpg"), 0o600)
    let folder = try ImageFolder(path("pipes"), allowedUnreadable: 40, threads: 1)
    #expect(folder.count == 2)
    #expect(folder.unreadable == ["\(path("pipes/z.jpg")): expected a regular file"])
  }

  @Test func labelledPhotosThatCannotBeReadAreListed() throws {
    try write(photo("church"), "set/church/a.jpg")
    try write(photo("church").prefix(4000), "set/church/cut.jpg")
    try write(photo("tench"), "set/tench/a.png")
    try write(Data(), "set/tench/a.gif")
    try link("../tench", "set/tench/again")
    let names = ["n01440764 tench", "n03028079 church"]
    let set = try LabelledImageFolder(path("set"), classNames: names)
    #expect((0..<set.count).map { set.label($0) } == [1, 1, 0])
    let scheme = QuantizationScheme(
      try TestNetwork.basic.program(inputSize: 32).model, weights: .float16)
    let comparison = try Comparison(of: scheme, on: set, threads: 2)
    #expect(comparison.imageCount == 2 && comparison.unreadable.count == 1)
    #expect(
      comparison.unreadable[0].hasPrefix("\(path("set/church/cut.jpg")): expected a whole JPEG"))
    var quantization = try Quantization(
      of: scheme.model, on: RandomImages(count: 4, seed: 1), method: .minMax, threads: 2)
    let kept = try quantization.limitDrop(to: 100, on: set)
    #expect(kept.imageCount == 2 && kept.unreadable == comparison.unreadable)
    #expect(set.otherFormats == "1 .gif (not JPEG or PNG: convert them)")
    try FileManager.default.removeItem(atPath: path("set/church/a.jpg"))
    try FileManager.default.removeItem(atPath: path("set/tench"))
    #expect(throws: QuantizationError.self) {
      try LabelledImageFolder(path("set"), classNames: names)
    }
  }

  @Test(arguments: [
    "ape\nbee\n \nzoë\n\n", "ape\r\nbee\r\n\r\nzoë\r\n", "ape\rbee\r\rzoë",
    "\u{FEFF}ape\nbee\n\nzoë\n", "\u{FEFF}ape\r\nbee\r\n\r\nzoë",
  ])
  func classNames(text: String) throws {
    let expected = ["ape", "bee", "", "zoë"]
    try write(Data(text.utf8), "names.txt")
    #expect(try readClassNames(path("names.txt")) == expected)
    let plain = text.replacingOccurrences(of: "\u{FEFF}", with: "")
    for (mark, encoding) in [
      ([0xFF, 0xFE], String.Encoding.utf16LittleEndian), ([0xFE, 0xFF], .utf16BigEndian),
    ] as [([UInt8], String.Encoding)] {
      try write(Data(mark) + plain.data(using: encoding)!, "names.txt")
      #expect(try readClassNames(path("names.txt")) == expected)
    }
  }

  @Test(
    arguments: [
      [0xFF, 0x41, 0x0A], [0x41, 0x00, 0x0A, 0x00], [0xFF, 0xFE, 0x00, 0xD8, 0x41, 0x00], [0xC3],
    ] as [[UInt8]])
  func whatIsNoTextIsRefused(bytes: [UInt8]) throws {
    try write(Data(bytes), "names.txt")
    let error = #expect(throws: QuantizationError.self) { try readClassNames(path("names.txt")) }
    #expect("\(error!)".contains("expected UTF-8 text, or UTF-16 with a byte order mark"))
  }

  @Test func classNamesThatCannotBeShownAreRefusedWithTheirLine() throws {
    for (text, reason) in [
      ("ape\n\nb\tee\n", "line 3: expected text without control characters, found U+0009"),
      ("\u{1B}[31mape\n", "line 1: expected text without control characters, found U+001B"),
      ("ape\rbee\u{202E}\r", "line 2: expected text without control characters, found U+202E"),
    ] {
      try write(Data(text.utf8), "names.txt")
      let error = #expect(throws: QuantizationError.self) { try readClassNames(path("names.txt")) }
      #expect("\(error!)".hasSuffix(reason))
    }
  }
}
