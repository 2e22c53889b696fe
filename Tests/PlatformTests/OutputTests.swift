// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import Foundation
import Testing

/// Both ways to write a file whole: without a name until it is complete, and with a temporary one.
@Suite(.serialized) final class OutputTests {
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  private func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  private var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() }
  }

  private func open(_ path: String, isNamed: Bool) -> OpaquePointer? {
    isNamed ? rn_output_open_named(path) : rn_output_open(path)
  }

  /// Writes a file to its end, or almost.
  private func write(
    _ text: String, to name: String, isNamed: Bool, publishes: Bool = true
  ) throws {
    let output = try #require(open(path(name), isNamed: isNamed))
    defer { rn_output_close(output) }
    fputs(text, rn_output_stream(output))
    #expect(rn_output_finish(output) == 0)
    if publishes { #expect(rn_output_publish(output) == 0) }
  }

  @Test(arguments: [false, true]) func filesAppearWhole(isNamed: Bool) throws {
    let mask = umask(0o027)
    defer { umask(mask) }
    for (text, name) in [("one", "a"), ("two", "a"), ("three", String(repeating: "n", count: 255))]
    {
      try write("lost", to: name, isNamed: isNamed, publishes: false)
      try write(text, to: name, isNamed: isNamed)
      #expect(try String(contentsOfFile: path(name), encoding: .utf8) == text)
      let attributes = try FileManager.default.attributesOfItem(atPath: path(name))
      #expect(attributes[.posixPermissions] as? Int == 0o640)
    }
    #expect(try names.map(\.count) == [1, 255])
  }

  @Test(arguments: [false, true]) func untilThenThereIsNothingOrAHiddenName(isNamed: Bool) throws {
    let output = try #require(open(path("a"), isNamed: isNamed))
    #expect(try names.map { $0.prefix(8) } == (isNamed ? [".resnet-"] : []))
    rn_output_close(output)
    #expect(try names == [])
  }

  @Test(arguments: [false, true]) func newFilesReplaceNone(isNamed: Bool) throws {
    for (text, code) in [("one", 0), ("two", EEXIST)] {
      let output = try #require(open(path("a"), isNamed: isNamed))
      fputs(text, rn_output_stream(output))
      #expect(rn_output_publish_new(output) == code)
      rn_output_close(output)
    }
    #expect(try String(contentsOfFile: path("a"), encoding: .utf8) == "one")
    #expect(try names == ["a"])
  }

  @Test(arguments: [false, true]) func linksAreFollowed(isNamed: Bool) throws {
    func link(_ target: String, _ name: String) throws {
      try FileManager.default.createSymbolicLink(atPath: path(name), withDestinationPath: target)
    }
    try FileManager.default.createDirectory(
      atPath: path("in/side"), withIntermediateDirectories: true)
    try link("in/second", "first")
    try link("side/file", "in/second")
    try link("round", "round")
    for text in ["one", "two"] {
      try write(text, to: "first", isNamed: isNamed)
      #expect(try String(contentsOfFile: path("in/side/file"), encoding: .utf8) == text)
    }
    #expect(try names == ["first", "in", "round"])
    #expect(open(path("round"), isNamed: isNamed) == nil && errno == ELOOP)
  }

  @Test(arguments: [false, true]) func whatNoFileCanReplaceIsRefused(isNamed: Bool) throws {
    mkfifo(path("fifo"), 0o600)
    try Data().write(to: folder.appendingPathComponent("gone"))
    let gone = try #require(FileHandle(forReadingAtPath: path("gone")))
    unlink(path("gone"))
    for (path, code) in [
      (folder.path, ENXIO), (path("fifo"), ENXIO), ("/dev/null", ENXIO),
      ("/proc/self/fd/\(gone.fileDescriptor)", ENXIO), ("", ENOENT), (path("none/a"), ENOENT),
      (path("fifo/a"), ENOTDIR), (path(String(repeating: "n", count: 256)), ENAMETOOLONG),
      ("/" + String(repeating: "n/", count: 2500), ENAMETOOLONG),
    ] {
      #expect(open(path, isNamed: isNamed) == nil && errno == code, "\(path)")
    }
    #expect(try names == ["fifo"])
  }

  /// Swift hides fork; between it and the end, the child only makes system calls.
  @Test(arguments: [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXFSZ])
  func signalsRemoveTemporaryNames(number: Int32) throws {
    typealias Fork = @convention(c) () -> Int32
    let fork = unsafeBitCast(try #require(dlsym(nil, "fork")), to: Fork.self)
    // Who starts the tests may have ignored it, and then it stays so.
    signal(number, SIG_DFL)
    rn_output_remove_at_signals()
    let outputs = try (0..<2).map { try #require(rn_output_open_named(path("\($0)"))) }
    #expect(try names.count == 2)
    let child = fork()
    if child == 0 {
      var none = sigset_t()
      sigemptyset(&none)
      sigprocmask(SIG_SETMASK, &none, nil)
      kill(getpid(), number)
      _exit(1)
    }
    var status: Int32 = 0
    #expect(waitpid(child, &status, 0) == child)
    #expect(status & 0x7F == number)
    #expect(try names == [])
    for output in outputs {
      #expect(rn_output_publish(output) == ENOENT)
      rn_output_close(output)
    }
  }

  @Test func filesAreTheSameByAnyPath() throws {
    func identity(_ name: String) -> rn_identity {
      var identity = rn_identity()
      _ = rn_identify(path(name), &identity)
      return identity
    }
    try FileManager.default.createDirectory(
      atPath: path("folder"), withIntermediateDirectories: false)
    for name in ["a", "b"] {
      try Data().write(to: folder.appendingPathComponent(name))
    }
    try FileManager.default.linkItem(atPath: path("a"), toPath: path("hard"))
    for (target, name) in [("a", "soft"), (".", "folder/up"), ("new", "later")] {
      try FileManager.default.createSymbolicLink(atPath: path(name), withDestinationPath: target)
    }
    try FileManager.default.createSymbolicLink(atPath: path("here"), withDestinationPath: ".")
    let groups = [
      ["a", "./a", "folder/../a", "hard", "soft", "here/a"], ["b"],
      ["new", "./new", "later", "here/new"], ["folder/new", "folder/up/new"], ["other"],
    ]
    for (index, group) in groups.enumerated() {
      for (otherIndex, other) in groups.enumerated() {
        for (a, b) in group.flatMap({ name in other.map { (name, $0) } }) {
          var (first, second) = (identity(a), identity(b))
          #expect((rn_is_same_file(&first, &second) != 0) == (index == otherIndex), "\(a) \(b)")
        }
      }
    }
    // What leads nowhere is nothing, also not the same.
    var nowhere = identity("none/a")
    #expect(rn_is_same_file(&nowhere, &nowhere) == 0)
  }
}
