// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import ToolSupport

/// Plans that are taught folders of photos.
extension BoardTools.TeachTests {
  private static let classes = TeachingPhotos.classes

  /// Folders with photos of three classes.
  private func folders(_ counts: [Int] = [3, 3, 3]) throws -> Scratch {
    let scratch = try Scratch()
    try scratch.makeTeachingPhotos(counts)
    return scratch
  }

  private func teach(
    _ scratch: Scratch, to output: String = "new.plan", _ more: String...
  ) throws -> ToolResult {
    try Tool.teach(
      [RandomPlan.small(), "--photos", scratch.path("photos"), "-o", scratch.path(output)] + more)
  }

  private struct Report: Decodable {
    struct Class: Decodable {
      var name: String
      var photos: Int
      var named: [Int]
    }
    struct Verdict: Decodable {
      var photo: String
      var `class`, best: Int
      var probability: Double
    }
    var photos, unreadable, right, folds: Int
    var top1: Double
    var classes: [Class]
    var verdicts: [Verdict]
  }

  private struct Line: Decodable {
    struct Label: Decodable {
      var label: String
      var probability: Double
    }
    var top: [Label]
    var unknown: Bool?
  }

  @Test("a taught plan names the classes of the folders")
  func names() throws {
    let scratch = try folders()
    let result = try teach(scratch, "--json")
    #expect(result.errors.contains("MB for teaching"))
    let report = try result.decoded(Report.self)[0]
    #expect(report.photos == 9 && report.right == 9 && report.folds == 9)
    #expect(report.classes.map(\.name) == Self.classes.sorted())
    #expect(report.classes.map(\.photos) == [3, 3, 3])
    #expect(report.verdicts.allSatisfy { $0.class == $0.best && $0.probability > 0.3 })
    for name in Self.classes {
      let run = try Tool.run(scratch.path("new.plan"), Repository.example(name), "--json")
      let line = try run.decoded(Line.self)[0]
      #expect(line.top[0].label == name && line.unknown == nil)
    }
    #expect(try scratch.names() == ["new.plan", "photos"])
  }

  @Test("the same photos give the same bytes with any threads and level, whenever they came")
  func bytes() throws {
    let scratch = try folders()
    _ = try teach(scratch)
    let expected = try scratch.data("new.plan")
    _ = try teach(scratch, "--threads", "3", "--isa", "ref")
    #expect(try scratch.data("new.plan") == expected)
    let first = try folders([3, 0, 2])
    try FileManager.default.removeItem(atPath: first.path("photos/tench"))
    _ = try teach(first, "--keep-features", first.path("kept"))
    // The photos are gone; the others come.
    try FileManager.default.removeItem(atPath: first.path("photos"))
    for (name, indices) in [("tench", 0..<3), ("parachute", 2..<3)] {
      for index in indices {
        try first.copy(
          scratch.path("photos/\(name)/\(index).jpg"), to: "photos/\(name)/\(index).jpg")
      }
    }
    _ = try teach(first, to: "both.plan", "--keep-features", first.path("kept"))
    #expect(try first.data("both.plan") == expected)
  }

  @Test("photos that were kept are copied, renamed and moved as in a fresh run")
  func keptAgain() throws {
    let scratch = try folders()
    // The same photo in two classes, and twice in one.
    try scratch.copy(scratch.path("photos/church/0.jpg"), to: "photos/tench/church.jpg")
    try scratch.copy(scratch.path("photos/church/1.jpg"), to: "photos/church/copy.jpg")
    _ = try teach(scratch, "--keep-features", scratch.path("kept"))
    let expected = try scratch.data("new.plan")
    let same = try teach(scratch, "--keep-features", scratch.path("kept"))
    #expect(try scratch.data("new.plan") == expected && !same.errors.contains("another class"))

    func move(_ source: String, _ destination: String) throws {
      try FileManager.default.moveItem(
        atPath: scratch.path("photos/\(source)"), toPath: scratch.path("photos/\(destination)"))
    }
    try move("tench", "fish")
    try move("fish/0.jpg", "fish/z.jpg")
    try move("parachute/2.jpg", "church/p.jpg")
    try scratch.copy(scratch.path("photos/parachute/1.jpg"), to: "photos/parachute/copy.jpg")
    let changed = try teach(scratch, "--keep-features", scratch.path("kept"))
    #expect(changed.errors.contains("5 photos of the kept features have another class now"))
    let merged = try scratch.data("new.plan")
    _ = try teach(scratch)
    #expect(try scratch.data("new.plan") == merged)
  }

  @Test("a taught plan is taught again, with its own features")
  func again() throws {
    let scratch = try folders()
    _ = try teach(scratch, "--keep-features", scratch.path("kept"))
    let result = try Tool.teach([
      scratch.path("new.plan"), "--photos", scratch.path("photos"), "-o",
      scratch.path("again.plan"),
      "--keep-features", scratch.path("kept"),
    ])
    #expect(result.status == 0)
    let (new, again) = (try scratch.data("new.plan"), try scratch.data("again.plan"))
    // Only the hash of the plan before differs.
    #expect(again.count == new.count)
    #expect(zip(again, new).count { $0 != $1 } < 100)
  }

  @Test("--reject stores a rule, and resnet-run says unknown")
  func reject() throws {
    let scratch = try folders()
    _ = try teach(scratch, "--reject", "2%")
    let plan = scratch.path("new.plan")
    let known = try Tool.run(plan, Repository.example("church"), "--json").decoded(Line.self)[0]
    #expect(known.unknown == false)
    let stranger = try Tool.run(plan, Repository.example("golf-ball"), "--json")
      .decoded(Line.self)[0]
    #expect(stranger.unknown == true)
    #expect(try Tool.run(plan, Repository.example("golf-ball")).text.contains("unknown"))
  }

  @Test("frames are saved as photos that show what the plan saw")
  func savedFrames() throws {
    let scratch = try folders()
    let jpeg = try Data(path: Repository.example("church"))
    let grey = Data((0..<64 * 48).map { UInt8(truncatingIfNeeded: $0 * 7) })
    try scratch.write(jpeg + jpeg, to: "stream")
    try scratch.write(grey + grey + grey, to: "raw")
    let plan = try RandomPlan.small()
    let folder = scratch.path("saved/church")
    try Tool.run(plan, "--raw", "mjpeg", scratch.path("stream"), "--save", folder)
    #expect(try scratch.data("saved/church/000000001.jpg") == jpeg)
    try Tool.run(
      plan, "--raw", "64x48:gray8", scratch.path("raw"), "--every", "2", "--save", folder)
    #expect(try Folder.names(folder) == (1...4).map { "00000000\($0).jpg" })
    let frame = try Tool.run(plan, "--raw", "64x48:gray8", scratch.path("raw"), "--top", "1")
      .decoded(Line.self)[0]
    let saved = try Tool.run(plan, folder + "/000000003.jpg", "--json", "--top", "1")
      .decoded(Line.self)[0]
    #expect(saved.top[0].label == frame.top[0].label)
    #expect(abs(saved.top[0].probability - frame.top[0].probability) < 0.02)
    try Tool.run.fails(
      [plan, "--raw", "mjpeg", scratch.path("stream"), "--save", scratch.path("stream/x")],
      "cannot save frames in this folder")
    try Tool.run.refuses(
      [plan, scratch.path("stream"), "--save", "x"], "--save makes sense only with --raw")
  }

  @Test("what is dubious is told")
  func warnings() throws {
    let scratch = try folders([20, 3, 3])
    try scratch.copy(Repository.example("church"), to: "photos/tench/church.jpg")
    try scratch.write(Data("no image".utf8), to: "photos/tench/damaged.jpg")
    let result = try teach(scratch)
    #expect(result.status == 0)
    for words in [
      "tench has 4 photos", "parachute has 3 photos", "have 3 to 20 photos",
      "same photo is in two classes: church/0.jpg and tench/church.jpg",
      "damaged.jpg: expected a JPEG or PNG image, found neither signature at its start; left out",
    ] { #expect(result.errors.contains(words), "\(words)\n\(result.errors)") }
  }

  @Test("reports are written")
  func reports() throws {
    let scratch = try folders()
    try FileManager.default.moveItem(
      atPath: scratch.path("photos/tench"), toPath: scratch.path("photos/<t&\u{1B}>"))
    _ = try teach(scratch, "--report", scratch.path("r.html"), "--flip")
    let page = String(decoding: try scratch.data("r.html"), as: UTF8.self)
    #expect(page.contains("100.0 % of 9 photos") && page.contains("&lt;t&amp;\u{FFFD}&gt;/0.jpg"))
    _ = try teach(scratch, "--report", scratch.path("r.json"))
    let report = try JSONDecoder().decode(Report.self, from: try scratch.data("r.json"))
    #expect(report.classes.map(\.name).contains("<t&\u{1B}>"))
    let line = try Tool.run(scratch.path("new.plan"), Repository.example("tench"), "--json")
      .decoded(Line.self)[0]
    #expect(line.top[0].label == "<t&\\x1b>")
  }

  @Test("what cannot be learned fails with a line and leaves nothing")
  func failures() throws {
    func fails(_ counts: [Int], _ reason: String, _ change: (Scratch) throws -> Void = { _ in })
      throws
    {
      let scratch = try folders(counts)
      try change(scratch)
      let before = try scratch.names()
      let result = try Tool.teach.end([
        RandomPlan.small(), "--photos", scratch.path("photos"), "-o", scratch.path("new.plan"),
        "--report", scratch.path("r.html"), "--keep-features", scratch.path("kept"),
      ])
      // Warnings come before.
      let last = result.errors.split(separator: "\n").last ?? ""
      #expect(result.status == 1 && last.contains(reason), "\(result.errors)")
      #expect(result.text == "")
      #expect(try scratch.names() == before)
    }
    try fails([3, 1, 3], "at least 2 photos that can be read of each class, found 1 of tench")
    try fails([3, 0, 3], "found 0 of tench")
    try fails([0, 0, 0], "expected folders with JPEG or PNG images, found none")
    try fails([3], "expected folders of at least 2 classes, found 1")
    try fails([3, 3, 3], "found 1 of tench") { scratch in
      for index in 0..<2 { try scratch.write(Data("?".utf8), to: "photos/tench/\(index).jpg") }
    }
    try fails([3, 3], "expected photos that differ, found the same features of all") { scratch in
      for index in 0..<3 {
        try scratch.write(
          try Data(path: Repository.example("church")) + [9, UInt8(index)],
          to: "photos/tench/\(index).jpg")
      }
    }
    try fails([3, 3, 3], "kept: expected a file of features") {
      try $0.write(Data("no features, but long enough to be them".utf8), to: "kept")
    }
  }

  @Test("a plan without features is refused, one without logits gets them, and others stay")
  func outputs() throws {
    let scratch = try folders()
    func made(_ outputs: String) throws -> String {
      let plan = scratch.path("\(outputs).plan")
      try Tool.quantize(
        "--random", "resnet18", "--input-size", "64x96", "--class-count", "10", "--outputs",
        outputs, "-q", "-o", plan)
      return plan
    }
    let words = ["--photos", scratch.path("photos"), "-o", scratch.path("new.plan")]
    try Tool.teach.fails(
      [made("logits")] + words, "expected a plan with the output features, found one without")
    let whole = try made("layer1,features,logits")
    try Tool.teach([whole] + words + ["--flip"])
    let photo = Repository.example("church")
    func layer(_ plan: String) throws -> Data {
      try Tool.run(plan, photo, "--output", "layer1=\(scratch.path("layer1.npy"))")
      return try scratch.data("layer1.npy")
    }
    #expect(try layer(scratch.path("new.plan")) == layer(whole))
    let line = try Tool.run(scratch.path("new.plan"), photo, "--json").decoded(Line.self)[0]
    #expect(line.top[0].label == "church")

    func probabilities(_ plan: String) throws -> Data {
      try Tool.teach([plan] + words + ["--reject", "5%"])
      try Tool.run(scratch.path("new.plan"), photo, "--probabilities", scratch.path("p.f32"))
      return try scratch.data("p.f32")
    }
    for outputs in ["features", "features,layer1"] {
      let expected = try probabilities(made("\(outputs),logits"))
      #expect(expected.count == 4 * Self.classes.count)
      #expect(try probabilities(made(outputs)) == expected)
    }
    #expect(try layer(scratch.path("new.plan")) == layer(whole))
  }

  @Test("damaged features and those of other networks are refused")
  func keptFeatures() throws {
    let scratch = try folders()
    _ = try teach(scratch, "--keep-features", scratch.path("kept"))
    let sound = try scratch.data("kept")
    func fails(_ reason: String, _ options: [String] = [], _ change: (inout Data) -> Void) throws {
      var data = sound
      change(&data)
      try scratch.write(data, to: "kept")
      try Tool.teach.fails(
        [
          RandomPlan.small(), "--photos", scratch.path("photos"), "-o", scratch.path("x.plan"),
          "--keep-features", scratch.path("kept"),
        ] + options, reason)
      #expect(try scratch.data("kept") == data)
    }
    try fails("does not match its checksum") { $0[200] ^= 1 }
    try fails("expected a file of") { $0.removeLast() }
    try fails("expected version 1") { $0[8] = 2 }
    try fails("with mirrored photos, found them without", ["--flip"]) { _ in }
    let other = try Tool.teach.end([
      RandomPlan.full(), "--photos", scratch.path("photos"), "-o", scratch.path("x.plan"),
      "--keep-features", scratch.path("kept"),
    ])
    #expect(other.status == 1 && other.errors.contains("found those of another one"))
    #expect(try scratch.names() == ["kept", "new.plan", "photos"])
  }

  @Test("a full disk and Ctrl-C leave the plan that was there")
  func interrupted() throws {
    let scratch = try folders()
    try scratch.write(Data("old".utf8), to: "new.plan")
    let limited = try Tool.teach.end(
      [RandomPlan.small(), "--photos", scratch.path("photos"), "-o", scratch.path("new.plan")],
      under: "--fsize=100000")
    #expect(limited.status == 1 && limited.errors.contains("File too large"))
    #expect(try scratch.data("new.plan") == Data("old".utf8))
    let process = Tool.teach.process([
      try RandomPlan.small(), "--photos", scratch.path("photos"), "-o", scratch.path("new.plan"),
      "--isa", "ref",
    ])
    let errors = Pipe()
    process.standardError = errors
    try process.start()
    // Then its files are open, and the photos follow.
    var told = ""
    while !told.contains("MB for teaching") {
      let data = errors.fileHandleForReading.availableData
      try #require(!data.isEmpty, "\(told)")
      told += String(decoding: data, as: UTF8.self)
    }
    kill(process.processIdentifier, SIGINT)
    process.waitUntilExit()
    #expect(process.terminationReason == .uncaughtSignal)
    #expect(try scratch.data("new.plan") == Data("old".utf8))
    #expect(try scratch.names() == ["new.plan", "photos"])
  }

  @Test(
    "wrong words are refused",
    arguments: [
      ("", "expected a plan, found none"), ("m", "expected --photos DIR, found none"),
      ("m --photos d", "expected the plan to write"),
      ("m n", "expected one plan, found another: n"),
      ("m --photos d -o x --reject 51%", "a share of 0% to 50%"),
      ("m --photos d -o x --reject %", "a share of 0% to 50%"),
      ("m --photos d -o x --report r.txt", "named .html or .json"),
      ("m --photos d -o x --report x.json --keep-features x.json", "expected different files"),
      ("m --photos d -o m", "expected different files for the plan and -o"),
      ("m --nonsense", "unknown option --nonsense"),
    ])
  func usage(words: String, reason: String) throws {
    let scratch = try Scratch()
    try scratch.write(Data(), to: "m")
    let shell = Tool(url: URL(fileURLWithPath: "/bin/sh"))
    let result = try shell.end(
      ["-c", "cd \(scratch.url.path); $T \(words)"], environment: ["T": Tool.teach.url.path])
    #expect(result.status == 2 && result.errors.contains(reason), "\(result.errors)")
  }

  // MARK: With the shared photos

  /// Folders of the shared calibration photos whose names tell their class.
  private func sharedFolders(_ classes: Range<Int>) throws -> Scratch {
    let scratch = try Scratch()
    let folder = SharedData.path("data/imagenette/calibration")
    for name in try Folder.names(folder) where name.hasPrefix("n") {
      let synset = String(name.prefix { $0 != "_" })
      guard let label = try Self.synsets().firstIndex(of: synset), classes.contains(label) else {
        continue
      }
      try scratch.makeFolder("photos/\(synset)")
      try FileManager.default.createSymbolicLink(
        atPath: scratch.path("photos/\(synset)/\(name)"),
        withDestinationPath: "\(folder)/\(name)")
    }
    return scratch
  }

  private static func synsets() throws -> [String] {
    try String(
      contentsOfFile: SharedData.path("data/imagenette/classes.txt"), encoding: .utf8
    ).split(separator: "\n").map { String($0.prefix { $0 != " " }) }
  }

  /// Every fifth validation photo of some classes: 20 of each.
  private func lines(_ plan: String, _ classes: Range<Int>) throws -> [Line] {
    let photos = try Self.synsets()[classes].flatMap { synset in
      let folder = SharedData.path("data/imagenette/validation/\(synset)")
      let names = try Folder.names(folder)
      return stride(from: 0, to: names.count, by: 5).map { "\(folder)/\(names[$0])" }
    }
    return try Tool.run([plan] + photos + ["--json", "--top", "1"]).decoded(Line.self)
  }

  @Test(
    "a head that was taught with 190 photos is as good as the one of the training", .slow,
    .sharedData, .boardTeaches)
  func accuracy() throws {
    let scratch = try sharedFolders(0..<10)
    let shipped = try ShippedModel.int8()
    _ = try Tool.teach([
      shipped, "--photos", scratch.path("photos"), "-o", scratch.path("new.plan"),
    ])
    let labels = try Self.synsets().flatMap { Array(repeating: $0, count: 20) }
    func right(_ plan: String) throws -> Int {
      let lines = try lines(plan, 0..<10)
      #expect(lines.count == labels.count)
      return zip(lines, labels).count { $0.top[0].label.hasPrefix($1) }
    }
    let (before, taught) = (try right(shipped), try right(scratch.path("new.plan")))
    print("right of 200: \(before), taught with the calibration photos \(taught)")
    #expect(before > 160 && taught >= before - 8)
  }

  @Test("strangers are caught", .slow, .sharedData, .boardTeaches)
  func strangers() throws {
    let scratch = try sharedFolders(0..<8)
    _ = try Tool.teach([
      ShippedModel.int8(), "--photos", scratch.path("photos"), "-o", scratch.path("new.plan"),
      "--reject", "2%",
    ])
    let known = try lines(scratch.path("new.plan"), 0..<8)
    let strangers = try lines(scratch.path("new.plan"), 8..<10)
    let share = { (lines: [Line]) in
      Double(lines.count { $0.unknown == true }) / Double(lines.count)
    }
    // The probability alone, at the threshold that rejects as many photos of the classes.
    let sorted = known.map(\.top[0].probability).sorted()
    let threshold = sorted[min(Int(share(known) * Double(sorted.count)), sorted.count - 1)]
    let byProbability =
      Double(strangers.count { $0.top[0].probability < threshold }) / Double(strangers.count)
    print(
      "strangers: \(share(known)) of the classes rejected, \(share(strangers)) of the strangers",
      "caught; by probability alone at the same price \(byProbability)")
    // Of all 800 it is 0.066.
    #expect(share(known) < 0.12)
    #expect(share(strangers) > 0.85)
    #expect(share(strangers) > byProbability)
  }

  @Test("500 photos take at most 30 MB", .slow, .sharedData, .boardTeaches)
  func memory() throws {
    let scratch = try Scratch()
    for synset in try Self.synsets() {
      let folder = SharedData.path("data/imagenette/validation/\(synset)")
      try scratch.makeFolder("photos/\(synset)")
      for name in try Folder.names(folder).prefix(50) {
        try FileManager.default.createSymbolicLink(
          atPath: scratch.path("photos/\(synset)/\(name)"),
          withDestinationPath: "\(folder)/\(name)")
      }
    }
    let peak = try Tool.teach.peakBytes([
      ShippedModel.int8(), "--photos", scratch.path("photos"), "-o", scratch.path("new.plan"),
      "--reject", "2%",
    ])
    print("peak memory of resnet-teach, 500 photos: \(peak) bytes")
    #expect(peak < 30_000_000)
  }
}

extension Trait where Self == ConditionTrait {
  /// The board's build, whose memory is its own, and once: the other build would give the same answers.
  fileprivate static var boardTeaches: Self {
    .enabled(
      if: ProcessInfo.processInfo.environment["RESNET_TEACH"] != nil,
      "needs the board's resnet-teach in RESNET_TEACH")
  }
}
