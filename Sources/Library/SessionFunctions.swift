// SPDX-License-Identifier: Apache-2.0

// The names are those of the header.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

public import CResNetLibrary
import CResNetPlatform
import ResNetImages
import ResNetPlanFormat
import ResNetPlatform
import ResNetRuntime

/// What C has as a session.
struct LibrarySession: ~Copyable, HandleContent {
  static var name: StaticString { "a session" }
  static var tag: UInt64 { 0x6973_7365_7465_6E21 }

  var classifier: Classifier
  let maximumPixels: Int
  /// Whether there are outputs.
  private(set) var hasRun = false
  /// The image of the last run whose outputs are read.
  private(set) var image = 0
  /// The way of frames to the network's input, and which they are.
  var frames: FrameInput?
  var shape: FrameShape?

  // Embedded Swift destroys the parts of a value of another module only through a deinit of its own.
  deinit {}

  /// Runs the network on the classifier's image.
  mutating func run() {
    classifier.run()
    finishRun()
  }

  /// Runs the network on the images of the size of its input that the first bytes of `pixels` are.
  mutating func run(_ pixels: UnsafeRawBufferPointer, byteCount: Int) {
    let images = pixels.bindMemory(to: UInt8.self).prefix(byteCount)
    classifier.run(UnsafeBufferPointer(rebasing: images).span)
    finishRun()
  }

  private mutating func finishRun() {
    hasRun = true
    image = 0
  }

  /// Chooses the image whose outputs are read.
  mutating func select(_ index: Int) throws(Failure) {
    try requireRun()
    let count = classifier.session.imageCount
    guard 0..<count ~= index else {
      throw Failure(expected: "an image below \(count)", found: "\(UInt(bitPattern: index))")
    }
    image = index
  }

  func requireRun() throws(Failure) {
    guard hasRun else { throw Failure(expected: "a run before", found: "none") }
  }

  /// The output of a name, for which there is room.
  func output(_ name: UnsafePointer<CChar>?, room: Int) throws(Failure) -> PlanOutput {
    let name = try require(name, "the name of an output")
    guard let output = classifier.session.plan.output(name) else {
      throw Failure(expected: "the name of an output of the plan", found: "\(name)")
    }
    guard room >= output.count else {
      throw Failure(
        expected: "room for \(output.count) values", found: "\(UInt(bitPattern: room))")
    }
    try requireRun()
    return output
  }
}

@c @implementation
public func resnet_session_create(
  _ plan: OpaquePointer?, _ options: UnsafePointer<resnet_options>?,
  _ session: UnsafeMutablePointer<OpaquePointer?>?
) -> resnet_status {
  report { () throws(Failure) in
    let plan = try Handle<Plan>.find(plan)
    let session = try require(session, "a place for the session")
    let options = try SessionOptions(options)
    let classifier = try attempt { () throws(SessionError) in
      try Classifier(
        ofAnyOutputs: Session(
          plan.pointee.content.shared(), threads: options.threads, batch: options.batch,
          cpus: options.cpus, instructionSet: options.instructionSet,
          memoryLimit: options.memoryLimit, tuning: options.tuning, arena: options.arena))
    }
    session.pointee = try Handle.make(
      LibrarySession(classifier: classifier, maximumPixels: options.maximumPixels))
  }
}

@c @implementation
public func resnet_session_destroy(_ session: OpaquePointer?) -> resnet_status {
  report { () throws(Failure) in try Handle<LibrarySession>.close(session) }
}

@c @implementation
public func resnet_session_get_info(
  _ session: OpaquePointer?, _ info: UnsafeMutablePointer<resnet_session_info>?
) -> resnet_status {
  use(session) { (session) throws(Failure) in
    let info = try requireStruct(info, "a resnet_session_info")
    info.pointee = resnet_session_info(
      size: info.pointee.size, threads: UInt32(session.classifier.session.threads),
      instruction_set: session.classifier.session.instructionSet.cName,
      byte_count: UInt64(session.classifier.session.byteCount))
  }
}

@c @implementation
public func resnet_session_get_tuning(
  _ session: OpaquePointer?, _ text: UnsafeMutablePointer<CChar>?, _ room: Int,
  _ size: UnsafeMutablePointer<Int>?
) -> resnet_status {
  use(session) { (session) throws(Failure) in
    let size = try require(size, "a place for the size")
    let room = room == 0 ? nil : try bytes(text, room, "room for a tuning")
    var written = 0
    session.classifier.session.writeTuning { line in
      var line = line
      line.append("\n")
      line.withUTF8 { line in
        for byte in line {
          if let room, written < room.count {
            UnsafeMutableRawBufferPointer(mutating: room)[written] = byte
          }
          written += 1
        }
      }
    }
    size.pointee = written
  }
}

@c @implementation
public func resnet_session_run_rgb8(
  _ session: OpaquePointer?, _ pixels: UnsafePointer<UInt8>?, _ size: Int, _ stride: Int
) -> resnet_status {
  use(session) { (session) throws(Failure) in
    let pixels = try bytes(pixels, size, "an image")
    let size = session.classifier.session.plan.imageSize
    let row = 3 * size.width
    let stride = stride == 0 ? row : stride
    guard row...FrameFormat.maximumStride ~= stride else {
      throw Failure(ImageError.stride(stride, rowBytes: row))
    }
    let needed = stride * (size.height - 1) + row
    guard pixels.count >= needed else {
      throw Failure(expected: "an image of \(needed) bytes", found: "\(pixels.count)")
    }
    if stride > row {
      let image = session.classifier.pixels.baseAddress!
      for y in 0..<size.height { memcpy(image + y * row, pixels.baseAddress! + y * stride, row) }
      session.run()
    } else {
      session.run(pixels, byteCount: needed)
    }
  }
}

@c @implementation
public func resnet_session_run_batch(
  _ session: OpaquePointer?, _ pixels: UnsafePointer<UInt8>?, _ size: Int, _ count: Int
) -> resnet_status {
  use(session) { (session) throws(Failure) in
    let pixels = try bytes(pixels, size, "images")
    let most = session.classifier.session.batch
    guard 1...most ~= count else {
      throw Failure(
        expected: "1 to \(most) images, the session's batch", found: "\(UInt(bitPattern: count))")
    }
    let needed = count * session.classifier.session.plan.imageByteCount
    guard pixels.count >= needed else {
      throw Failure(expected: "\(count) images of \(needed) bytes", found: "\(pixels.count)")
    }
    session.run(pixels, byteCount: needed)
  }
}

@c @implementation
public func resnet_session_select_image(_ session: OpaquePointer?, _ index: Int) -> resnet_status {
  use(session) { (session) throws(Failure) in try session.select(index) }
}

@c @implementation
public func resnet_session_run_frame(
  _ session: OpaquePointer?, _ frame: UnsafePointer<resnet_frame>?
) -> resnet_status {
  use(session) { (session) throws(Failure) in
    let frame = try requireStruct(frame, "a resnet_frame").pointee
    let data = try bytes(frame.data, frame.data_size, "a frame's data")
    let shape = try FrameShape(frame)
    if session.shape != shape {
      session.shape = nil
      session.frames = nil
      let preprocessing = session.classifier.preprocessing
      session.frames = try attempt { () throws(ImageError) in
        try FrameInput(shape.converter(), preprocessing)
      }
      session.shape = shape
    }
    if let needed = session.frames?.byteCount, data.count < needed {
      throw Failure(expected: "a frame of \(needed) bytes", found: "\(data.count)")
    }
    session.frames?.read(
      data.baseAddress!.assumingMemoryBound(to: UInt8.self),
      into: session.classifier.pixels.baseAddress!)
    session.run()
  }
}

@c @implementation
public func resnet_session_run_encoded(
  _ session: OpaquePointer?, _ start: UnsafeRawPointer?, _ size: Int
) -> resnet_status {
  use(session) { (session) throws(Failure) in
    let encoded = try bytes(start, size, "an encoded image")
    let maximumPixels = session.maximumPixels
    // One expression: the photo is freed before the inference.
    try attempt { () throws(ImageError) in
      try session.classifier.prepare(RGBImage(encoded: encoded, maximumPixels: maximumPixels))
    }
    session.run()
  }
}

@c @implementation
public func resnet_session_get_output(
  _ session: OpaquePointer?, _ name: UnsafePointer<CChar>?,
  _ values: UnsafeMutablePointer<UnsafePointer<Float>?>?, _ count: UnsafeMutablePointer<Int>?
) -> resnet_status {
  use(session) { (session) throws(Failure) in
    let name = try require(name, "the name of an output")
    let values = try require(values, "a place for the values")
    let count = try require(count, "a place for the count")
    try session.requireRun()
    let output: UnsafeBufferPointer<Float>
    if name.equals("logits") {
      output = session.classifier.session.logits(ofImage: session.image)
    } else if name.equals("probabilities") {
      output = session.classifier.probabilities(ofImage: session.image)
    } else if name.equals("features") {
      output = session.classifier.session.features(ofImage: session.image)
    } else {
      throw Failure(expected: "logits, probabilities or features", found: "\(name)")
    }
    guard !output.isEmpty else {
      throw Failure(expected: "a plan with \(name)", found: "one with other outputs")
    }
    (values.pointee, count.pointee) = (output.baseAddress, output.count)
  }
}

@c @implementation
public func resnet_session_get_top(
  _ session: OpaquePointer?, _ room: Int, _ indices: UnsafeMutablePointer<Int>?,
  _ probabilities: UnsafeMutablePointer<Float>?, _ count: UnsafeMutablePointer<Int>?
) -> resnet_status {
  use(session) { (session) throws(Failure) in
    let indices = try require(indices, "room for indices")
    let count = try require(count, "a place for the count")
    guard room > 0 else {
      throw Failure(expected: "room for 1 to 2^63 indices", found: "\(UInt(bitPattern: room))")
    }
    try session.requireRun()
    guard session.classifier.session.plan.classCount > 0 else {
      throw Failure(expected: "a plan with logits", found: "one with other outputs")
    }
    let places = UnsafeMutableBufferPointer(
      start: indices, count: min(room, session.classifier.session.plan.classCount))
    let top = session.classifier.top(ofImage: session.image, places)
    if let probabilities {
      let all = session.classifier.probabilities(ofImage: session.image)
      for place in top.indices { probabilities[place] = all[top[place]] }
    }
    count.pointee = top.count
  }
}

@c @implementation
public func resnet_session_get_unknown(
  _ session: OpaquePointer?, _ unknown: UnsafeMutablePointer<UInt32>?
) -> resnet_status {
  use(session) { (session) throws(Failure) in
    let unknown = try require(unknown, "a place for the answer")
    try session.requireRun()
    unknown.pointee = session.classifier.isUnknown(image: session.image) ? 1 : 0
  }
}

@c @implementation
public func resnet_session_read_output(
  _ session: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ isNHWC: Int32,
  _ values: UnsafeMutablePointer<Float>?, _ count: Int
) -> resnet_status {
  use(session) { (session) throws(Failure) in
    let output = try session.output(name, room: count)
    let values = UnsafeMutableBufferPointer(
      start: try require(values, "room for values"), count: output.count)
    session.classifier.session.read(
      output, ofImage: session.image, into: values, as: isNHWC == 0 ? .nchw : .nhwc)
  }
}

@c @implementation
public func resnet_session_read_output_bytes(
  _ session: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ isNHWC: Int32,
  _ bytes: UnsafeMutablePointer<UInt8>?, _ count: Int
) -> resnet_status {
  use(session) { (session) throws(Failure) in
    let output = try session.output(name, room: count)
    guard output.format == .uint8 else {
      throw Failure(expected: "an output of bytes", found: "one of float")
    }
    let bytes = UnsafeMutableBufferPointer(
      start: try require(bytes, "room for bytes"), count: output.count)
    session.classifier.session.readBytes(
      output, ofImage: session.image, into: bytes, as: isNHWC == 0 ? .nchw : .nhwc)
  }
}

/// Does what may fail with a session that no other thread may use meanwhile.
private func use(
  _ session: OpaquePointer?, _ body: (inout LibrarySession) throws(Failure) -> Void
) -> resnet_status {
  report { () throws(Failure) in try Handle<LibrarySession>.use(session, body) }
}
