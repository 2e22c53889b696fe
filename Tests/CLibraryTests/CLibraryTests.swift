// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import ToolSupport

/// What `make lib` or `make pi` made: a folder like /usr.
private struct CLibrary: Sendable {
  let folder: String
  let triple: String
  /// What clang needs to find C's own library.
  var system: [String] = []

  var lib: String { "\(folder)/lib/\(triple)" }
  var sharedObject: String { "\(lib)/libresnet-runtime.so.0" }

  #if arch(x86_64)
    static let triple = "x86_64-linux-gnu"
  #else
    static let triple = "aarch64-linux-gnu"
  #endif
  static let environment = ProcessInfo.processInfo.environment

  /// The library of this machine.
  static let native = environment["RESNET_C_LIBRARY"].map { CLibrary(folder: $0, triple: triple) }

  /// What `make pi` made, and the libraries of a board.
  static let board: (library: CLibrary, root: String)? = {
    guard let tools = environment["RESNET_PI_TOOLS"], let root = environment["RESNET_PI_ROOT"]
    else { return nil }
    return (
      CLibrary(folder: "\(tools)/usr", triple: "aarch64-linux-gnu", system: ["--sysroot=\(root)"]),
      root
    )
  }()

  /// Runs a tool of the Swift toolchain, which must succeed.
  @discardableResult
  static func tool(_ name: String, _ arguments: [String]) throws -> ToolResult {
    let script = "exec \"$(dirname \"$(realpath \"$(command -v swift)\")\")/$0\" \"$@\""
    return try Tool(url: URL(fileURLWithPath: "/bin/bash"))(["-c", script, name] + arguments)
  }

  /// Compiles sources of the repository as strictly as can be to a program.
  func compile(
    _ sources: [String], _ options: [String], in scratch: Scratch, with libraries: [String]? = nil
  ) throws -> Tool {
    let isCPlusPlus = options.contains("-xc++") || sources[0].hasSuffix(".cpp")
    let name = (sources[0] as NSString).lastPathComponent as NSString
    let program = scratch.path(name.deletingPathExtension)
    try CLibrary.tool(
      isCPlusPlus ? "clang++" : "clang",
      system + ["--target=\(triple)", "-fuse-ld=lld", isCPlusPlus ? "-std=c++17" : "-std=c99"]
        + ["-Wall", "-Wextra", "-pedantic", "-Werror", "-g", "-I\(folder)/include"] + options
        + sources.map { Repository.root.appendingPathComponent($0).path } + ["-o", program]
        + (libraries ?? ["-L\(lib)", "-Wl,-rpath,\(lib)", "-lresnet-runtime"]) + ["-lpthread"])
    return Tool(url: URL(fileURLWithPath: program))
  }

  /// Runs check_library, whose photo must have the logits that `resnet-run` gives it, and whose taught plan what
  /// `resnet-teach` gives it.
  func check(_ program: Tool, _ words: [String] = [], in scratch: Scratch) throws {
    let (plan, church) = (try ShippedModel.int8(), Repository.example("church"))
    try scratch.makeTeachingPhotos()
    let taught = scratch.path("taught.plan")
    try Tool.teach(plan, "--photos", scratch.path("photos"), "-o", taught, "--reject", "2%")
    let files = [plan, church, scratch.path("logits-of-program")]
    let bare = scratch.path("bare.plan")
    try Tool.quantize(
      "--random", "resnet18", "--input-size", "32x32", "--outputs", "logits", "-q", "-o", bare)
    let teaching = [taught, Repository.example("golf-ball"), scratch.path("photos"), bare]
    let result = try program.end(words + files + teaching)
    let told: Comment = "\(result.text)\(result.errors)"
    #expect(result.text.hasSuffix(" checks, 0 failed\n"), told)
    try #require(result.status == 0 && !result.isCrash, told)
    try Tool.run(plan, church, "--logits", scratch.path("logits-of-tool"))
    #expect(try scratch.data("logits-of-program") == scratch.data("logits-of-tool"))
    // Nothing of a plan that was not made.
    #expect(
      try scratch.names().filter { $0.hasPrefix(".resnet-") || $0.hasPrefix("taught") }
        == ["taught.plan", "taught.plan.own"])
  }

  /// The names that a file defines for others.
  func names(_ file: String, _ options: [String]) throws -> Set<Substring> {
    let result = try CLibrary.tool("llvm-nm", options + ["--defined-only", file])
    return Set(
      result.lines.compactMap { line in
        let words = line.split(separator: " ")
        return words.count == 3 && words[1] != "A" ? words[2].prefix { $0 != "@" } : nil
      })
  }
}

/// What the group of a pattern matches in a text.
private func names(in text: String, _ pattern: String) throws -> Set<Substring> {
  Set(text.matches(of: try Regex(pattern)).compactMap { $0.output[1].substring })
}

/// The C library, called by programs in C and C++.
@Suite(
  .enabled(if: CLibrary.native != nil, "needs RESNET_C_LIBRARY: make test sets it"))
struct CLibraryTests {
  private let library: CLibrary
  private let scratch: Scratch
  private let church = Repository.example("church")

  init() throws {
    library = try #require(CLibrary.native)
    scratch = try Scratch()
  }

  @Test func headerCompilesAlone() throws {
    let source = try scratch.write(Data("#include <resnet_runtime.h>\n".utf8), to: "alone.c")
    for language in [["-xc", "-std=c99"], ["-xc++", "-std=c++17"]] {
      try CLibrary.tool(
        "clang",
        language + ["-fsyntax-only", "-Wall", "-Wextra", "-pedantic", "-Werror", source]
          + ["-I\(library.folder)/include"])
    }
  }

  @Test func exportsTheFunctionsOfTheHeaderAndNothingElse() throws {
    let map = Repository.root.appendingPathComponent("Toolchains/c-library/resnet-runtime.map")
    let listed = try names(in: String(contentsOf: map, encoding: .utf8), "\n    (resnet_\\w+);")
    let header = try String(
      contentsOfFile: "\(library.folder)/include/resnet_runtime.h", encoding: .utf8)
    #expect(try names(in: header, "\n[\\w ]+[ *](resnet_\\w+)\\(") == listed)
    #expect((10...30).contains(listed.count))
    #expect(try library.names(library.sharedObject, ["-D"]) == listed)
    #expect(try library.names("\(library.lib)/libresnet-runtime.a", ["-g"]) == listed)
  }

  @Test func needsNoLibraryOfSwift() throws {
    let result = try CLibrary.tool("llvm-objdump", ["-p", library.sharedObject])
    // On x86, libc's loader is what finds the words of a thread's errors.
    let found = try names(in: result.text, "(?:NEEDED|SONAME) +(\\S+)")
      .subtracting(["ld-linux-x86-64.so.2"])
    let jpeg = found.first { $0.hasPrefix("libjpeg.so.") }
    #expect(
      found == [
        "libc.so.6", "libm.so.6", "libsleef.so.3", "libpng16.so.16", try #require(jpeg),
        "libresnet-runtime.so.0",
      ])
  }

  @Test(arguments: [[], ["-xc++"], ["-fsanitize=address,undefined", "-DSANITIZED=1"]])
  func callsOfAllKinds(options: [String]) throws {
    try library.check(
      library.compile(["Tests/CheckLibrary/check_library.c"], options, in: scratch), in: scratch)
  }

  @Test func linksStatically() throws {
    let program = try library.compile(
      ["Tests/CheckLibrary/check_library.c"], [], in: scratch,
      with: ["\(library.lib)/libresnet-runtime.a", "-lsleef", "-ljpeg", "-lpng16", "-lm"])
    try library.check(program, in: scratch)
  }

  @Test func runsAllocateNothingAndMakeNoSystemCallButFutex() throws {
    let counter = "Tests/AllocationCounter"
    let program = try library.compile(
      [
        "Tests/CheckLibrary/check_allocations.c", "\(counter)/rn_allocation_counter.c",
        "\(counter)/rn_forbid_system_calls.c",
      ],
      // The counter is not C99.
      ["-std=gnu17", "-Wno-pedantic", "-I\(Repository.root.path)/\(counter)/include"], in: scratch)
    let plan = try ShippedModel.int8()
    #expect(
      try program(plan).lines
        == [1, 2].map {
          "\($0) threads: 0 failures, 0 allocations; some when it was created"
        })
    try program(plan, "filtered")
    let control = try program.end([plan, "control"])
    #expect(control.isCrash && control.status == SIGSYS)
  }

  @Test(arguments: ["c", "cpp"]) func examples(language: String) throws {
    let source = "Examples/C/classify.\(language)"
    let program = try library.compile([source], ["-fsanitize=address,undefined"], in: scratch)
    let plan = try ShippedModel.int8()
    #expect(try #require(program(plan, church).lines.first).hasSuffix(" church"))
    try program.fails([plan, plan], "expected a JPEG or PNG image")
    try program.fails([church, church], "not a plan file")
  }

  @Test func packageConfigurationFindsTheLibrary() throws {
    let environment = ["PKG_CONFIG_PATH": "\(library.lib)/pkgconfig"]
    let configuration = Tool(url: URL(fileURLWithPath: "/usr/bin/pkg-config"))
    let flags = try configuration(
      "--cflags", "--libs", "resnet-runtime", environment: environment)
    let program = try library.compile(
      ["Examples/C/classify.c"], [], in: scratch,
      with: flags.text.split(whereSeparator: \.isWhitespace).map(String.init)
        + ["-Wl,-rpath,\(library.lib)"])
    try program(try ShippedModel.int8(), church)
    let version = try configuration("--modversion", "resnet-runtime", environment: environment)
    #expect(
      version.lines == [
        try #require(Tool.run("--version").text.split(separator: " ").dropFirst().first)
      ])
  }
}

/// The cross-compiled library.
@Suite(
  .enabled(
    if: CLibrary.board != nil,
    "needs RESNET_PI_TOOLS and RESNET_PI_ROOT: make pi-test sets them"))
struct EmulatedCLibraryTests {
  @Test func callsOfAllKinds() throws {
    let (library, root) = try #require(CLibrary.board)
    let scratch = try Scratch()
    let program = try library.compile(["Tests/CheckLibrary/check_library.c"], [], in: scratch)
    try library.check(
      Tool(url: URL(fileURLWithPath: "/usr/bin/env")),
      ["qemu-aarch64", "-L", root, "-cpu", "cortex-a76", program.url.path], in: scratch)
  }
}
