// SPDX-License-Identifier: Apache-2.0

import CResNetFrameReader
import CResNetPlatform
import Foundation
import ResNetImages
import ResNetModelGraph
import ResNetModelImport
import ResNetPlatform
import ResNetQuantization
import ResNetRuntime
import ResNetTeaching
import TestPlans

/// The readers by their names on the command line.
let readers: [String: @Sendable (UnsafeRawBufferPointer) -> Void] = [
  "plan": fuzzPlan, "safetensors": fuzzCheckpoint, "pickle": fuzzPickle, "zip": fuzzCheckpoint,
  "onnx": fuzzCheckpoint, "configuration": fuzzConfiguration, "numpy": fuzzNumbers,
  "image": fuzzImage, "exif": fuzzEXIF, "frame": fuzzFrame, "stream": fuzzStream,
  "structured": { structuredPlans.run($0) }, "tuning": { tunedPlan.read($0) },
  "classes": fuzzClasses, "folders": fuzzFolders, "features": fuzzFeatures,
]

// Of the main thread alone.
nonisolated(unsafe) let structuredPlans = StructuredPlans()
nonisolated(unsafe) private let tunedPlan = TunedPlan()

/// The reader that the command line asks for.
let wantedReader = CommandLine.arguments.dropFirst().first.flatMap { readers[$0] }

/// Calls `body` with a copy at a multiple of 64. It ends where its memory ends, so that a sanitizer
/// sees the first byte read beyond.
private func withCopy<Result: ~Copyable>(
  of bytes: UnsafeRawBufferPointer, _ body: (UnsafeMutableRawBufferPointer) -> Result
) -> Result {
  let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
  defer { copy.deallocate() }
  copy.copyMemory(from: bytes)
  return body(copy)
}

/// Reads a plan whose checksums are made right first, prepares a small photo as it says, and runs it once if it asks
/// for little memory.
func fuzzPlan(_ bytes: UnsafeRawBufferPointer) {
  var sealed = Array(bytes)
  sealed.reseal()
  sealed.withUnsafeBytes { bytes in
    withCopy(of: bytes) { copy in
      guard let plan = try? Plan(unownedBytes: UnsafeRawBufferPointer(copy)) else { return }
      let (size, imageBytes) = (plan.imageSize, plan.imageByteCount)
      guard plan.sessionByteCount(threads: 1) <= 1 << 22, max(size.height, size.width) <= 256 else {
        return
      }
      guard var session = try? Session(plan) else { fatalError("an accepted plan has no session") }
      var pixels = [UInt8](repeating: 200, count: imageBytes)
      session.run(pixels.span)
      guard
        let photo = try? RGBImage(pixels: pixels.span.extracting(first: 105), width: 7, height: 5)
      else { fatalError("there is no memory for a small photo") }
      var span = pixels.mutableSpan
      try? preprocess(photo, as: session.plan.view.preprocessing, into: &span)
    }
  }
}

/// Reads a file of features whose size and checksum are made right first; one that is accepted comes back as it is
/// written.
func fuzzFeatures(_ bytes: UnsafeRawBufferPointer) {
  withCopy(of: bytes) { copy in
    if copy.count >= 24 {
      copy.storeBytes(of: UInt64(copy.count).littleEndian, toByteOffset: 16, as: UInt64.self)
      let checksum = rn_crc32c(0, copy.baseAddress! + 16, copy.count - 16)
      copy.storeBytes(of: checksum.littleEndian, toByteOffset: 12, as: UInt32.self)
    }
    let network = FeatureFile.Fingerprint(repeating: 0)
    func read(_ bytes: UnsafeRawBufferPointer, _ use: (PhotoTable) -> Void) -> Bool {
      guard let file = try? FeatureFile(validating: bytes, network, features: 2, views: 1)
      else { return false }
      let size = PhotoTable.Size(
        photos: file.count, classes: file.classCount, features: 2, nameBytes: file.nameBytes)
      let memory = UnsafeMutableRawPointer.allocate(
        byteCount: PhotoTable.byteCount(size), alignment: 64)
      defer { memory.deallocate() }
      var table = PhotoTable(size, memory: memory)
      file.add(to: &table)
      table.sort()
      use(table)
      return true
    }
    func written(_ table: PhotoTable) -> [UInt8] {
      var bytes: [UInt8] = []
      FeatureFile.write(table, network, features: 2, views: 1) { (piece) throws(Never) in
        bytes.append(contentsOf: piece)
      }
      return bytes
    }
    _ = read(UnsafeRawBufferPointer(copy)) { table in
      let first = written(table)
      let isRead = first.withUnsafeBytes { bytes in
        read(bytes) { table in
          guard written(table) == first else { fatalError("features change when they are read") }
        }
      }
      guard isRead else { fatalError("what was written is not read") }
    }
  }
}

/// Reads a model of any kind, with limits that keep the memory small, and makes a program of it.
func fuzzCheckpoint(_ bytes: UnsafeRawBufferPointer) {
  guard bytes.count > 0 else { return }
  var options = ImportOptions()
  options.limits.decodedBytes = 1 << 24
  options.limits.pickleObjects = 1 << 16
  // External data are looked for, in vain.
  options.path = "/var/empty/model.onnx"
  withCopy(of: bytes) { copy in
    guard let network = try? Network(bytes: UnsafeRawBufferPointer(copy), options) else { return }
    _ = try? Program(network, inputSize: 32)
  }
}

/// Reads what follows the magic number of PyTorch's older format: pickles, and the tensors they name.
func fuzzPickle(_ bytes: UnsafeRawBufferPointer) {
  let magic: [UInt8] = [
    0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e,
  ]
  (magic + bytes).withUnsafeBytes(fuzzCheckpoint)
}

/// Reads one of the files that may lie beside a model; the first byte tells which.
func fuzzConfiguration(_ bytes: UnsafeRawBufferPointer) {
  guard let first = bytes.first else { return }
  let names = ["config.json", "preprocessor_config.json", "preprocess.json"]
  _ = try? ModelConfiguration { name in
    name == names[Int(first) % 3] ? Array(bytes.dropFirst()) : nil
  }
}

/// Reads an array of NumPy.
func fuzzNumbers(_ bytes: UnsafeRawBufferPointer) {
  var limits = ImportLimits()
  limits.decodedBytes = 1 << 24
  withCopy(of: bytes) { copy in
    _ = try? Tensor(bytes: UnsafeRawBufferPointer(copy), limits: limits)
  }
}

/// Decodes a JPEG or PNG image.
func fuzzImage(_ bytes: UnsafeRawBufferPointer) {
  withCopy(of: bytes) { copy in
    _ = try? RGBImage(encoded: UnsafeRawBufferPointer(copy), maximumPixels: 1 << 26)
  }
}

/// Decodes a PNG image of 2 × 3 pixels that has the bytes as its EXIF data.
func fuzzEXIF(_ bytes: UnsafeRawBufferPointer) {
  let start: [UInt8] = [
    0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 0x0D, 0x49, 0x48, 0x44, 0x52, 0, 0, 0,
    2, 0, 0, 0, 3, 8, 0, 0, 0, 0, 0x9C, 0x81, 0x81, 0x5D,
  ]
  let pixels: [UInt8] = [
    0, 0, 0, 0x11, 0x49, 0x44, 0x41, 0x54, 0x78, 0xDA, 0x63, 0xE0, 0x12, 0x61, 0x90, 0xD3, 0x60,
    0x30, 0xB2, 1, 0, 2, 0xBB, 0, 0xD3, 0x1C, 0xB7, 0x7C, 0xDA, 0, 0, 0, 0, 0x49, 0x45, 0x4E, 0x44,
    0xAE, 0x42, 0x60, 0x82,
  ]
  var file = start
  withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { file += $0 }
  file += Array("eXIf".utf8)
  file += bytes
  var checksum = UInt32.max
  for byte in file[(start.count + 4)...] {
    checksum ^= UInt32(byte)
    for _ in 0..<8 { checksum = checksum >> 1 ^ (checksum & 1) &* 0xEDB8_8320 }
  }
  withUnsafeBytes(of: (~checksum).bigEndian) { file += $0 }
  file += pixels
  file.withUnsafeBytes { file in
    withCopy(of: file) { copy in
      guard
        let image = try? RGBImage(encoded: UnsafeRawBufferPointer(copy), maximumPixels: 6),
        image.width * image.height == 6
      else { fatalError("a small image is not read") }
    }
  }
}

/// Converts a frame of which the first six bytes tell the size and the format.
func fuzzFrame(_ bytes: UnsafeRawBufferPointer) {
  guard bytes.count > 6 else { return }
  let formats: [FrameFormat] = [
    .yuv420, .nv12, .yuyv, .rgb24, .bgr24, .yuv422, .nv21, .yvyu, .uyvy, .gray8,
  ]
  guard
    let converter = try? FrameConverter(
      width: Int(bytes[0]), height: Int(bytes[1]), format: formats[Int(bytes[2]) % 10],
      stride: Int(bytes[3]) * 4, chromaStride: Int(bytes[4] >> 1) * 4,
      matrix: bytes[4] % 2 == 0 ? .bt601 : .bt709,
      range: bytes[5] % 2 == 0 ? .full : .limited),
    let image = try? RGBImage(width: converter.width, height: converter.height)
  else { return }
  let pixels = bytes.dropFirst(6)
  let frame = (0..<converter.byteCount).map { pixels[6 + $0 % pixels.count] }
  frame.withUnsafeBytes { bytes in
    withCopy(of: bytes) { copy in
      converter.convert(copy.baseAddress!.assumingMemoryBound(to: UInt8.self), into: image)
    }
  }
}

/// Reads a stream of y4m, if it starts as such, or of JPEG images.
func fuzzStream(_ bytes: UnsafeRawBufferPointer) {
  guard let temporary = tmpfile() else { return }
  defer { fclose(temporary) }
  let file = fileno(temporary)
  guard write(file, bytes.baseAddress, bytes.count) == bytes.count,
    lseek(file, 0, SEEK_SET) == 0
  else { return }
  var (stream, frameBytes) = (RN_FRAME_STREAM_JPEG, 1 << 12)
  if bytes.first == UInt8(ascii: "Y") {
    var (header, code) = (rn_y4m(), Int32(0))
    guard rn_read_y4m(file, &header, &code) == nil, header.width * header.height < 1 << 16 else {
      return
    }
    (stream, frameBytes) = (RN_FRAME_STREAM_Y4M, Int(header.width * header.height))
  }
  var reader: OpaquePointer?
  guard rn_frame_reader_start(&reader, file, Int32(stream.rawValue), frameBytes, false) == 0 else {
    return
  }
  var read = 0
  while true {
    let frame = rn_frame_reader_next(reader)
    guard frame.frame != nil else { break }
    precondition(frame.size <= frameBytes, "a frame within its memory")
    read += frame.size
  }
  precondition(read <= bytes.count, "no byte twice")
  rn_frame_reader_stop(reader)
}

/// A plan with exact forms, whose answer no tuning changes.
private final class TunedPlan {
  private let plan: LoadedPlan
  private let header: [UInt8]
  private let image = testImage(32, seed: 1)
  private let expected: Results

  init() {
    do {
      plan = LoadedPlan(try smallPlans().first { $0.name == "int8-forms" }!.bytes)
      header = Array(try tuningHeader(plan.plan(), .best).utf8)
      expected = try infer(plan, image)
    } catch {
      stop("expected a plan with exact forms: \(error)")
    }
  }

  /// Reads a tuning, behind the first lines of one that fits if the first byte is even.
  func read(_ bytes: UnsafeRawBufferPointer) {
    guard let first = bytes.first else { return }
    let (text, image) = ((first % 2 == 0 ? header : []) + bytes.dropFirst(), image)
    text.withUnsafeBytes { bytes in
      withCopy(of: bytes) { copy in
        guard
          var session = try? Session(
            plan.plan(), instructionSet: .best, tuning: .recorded(UnsafeRawBufferPointer(copy)))
        else { return }
        var written: [UInt8] = []
        session.writeTuning { written += Array("\(String($0))\n".utf8) }
        guard written == text else { fatalError("a tuning is not written as it was read") }
        session.run(image.span)
        guard Results(session) == expected else { fatalError("a tuning changes the answer") }
      }
    }
  }
}

/// Reads the names of classes.
func fuzzClasses(_ bytes: UnsafeRawBufferPointer) {
  guard let temporary = tmpfile() else { return }
  defer { fclose(temporary) }
  let file = fileno(temporary)
  guard write(file, bytes.baseAddress, bytes.count) == bytes.count else { return }
  guard let names = try? readClassNames("/proc/self/fd/\(file)") else { return }
  guard names.last != "", !names.contains(where: { $0.utf8.contains(0x0A) }) else {
    fatalError("a name that no line can have")
  }
}

/// Finds classes for folders: of the lines those before the first empty one are folders, the others classes.
func fuzzFolders(_ bytes: UnsafeRawBufferPointer) {
  let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    .map { String(decoding: $0, as: UTF8.self) }
  let folders = Array(lines.prefix { !$0.isEmpty })
  let classes = Array(lines.dropFirst(folders.count + 1))
  let count = classes.isEmpty ? folders.count : classes.count
  guard let labels = try? matchFolders(folders, toClasses: classes, count: count) else { return }
  guard labels.count == folders.count, labels.allSatisfy({ 0..<count ~= $0 }) else {
    fatalError("a folder without a class")
  }
}
