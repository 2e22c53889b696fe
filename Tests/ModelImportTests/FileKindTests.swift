// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetModelGraph
import ResNetModelImport
import ResNetPlatform
import TestPlans
import Testing

@Suite struct FileKindTests {
  @Test(
    arguments: [
      ([0x80, 0x02, 0x7d, 0x71, 0x00, 0x2e], "bare Python pickle"),
      ([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a, 0x00], "HDF5"),
    ] as [([UInt8], String)])
  func unsupportedKindIsNamed(bytes: [UInt8], name: String) {
    expectError(errorLoading(bytes), "unsupportedFormat", name)
  }

  @Test func unknownBytesAreShown() {
    #expect(errorLoading([1, 2]) == .unrecognized(firstBytes: [1, 2]))
    #expect(
      "\(ImportError.unrecognized(firstBytes: [0, 255]))"
        == "expected a file of a known format (safetensors, torch.save archive, "
        + "legacy torch.save file, ONNX model), found one that begins with the bytes 00 ff")
  }

  @Test func kindIsKnownByContentsNotByNameAndUnreadableFilesAreErrors() throws {
    let folder = NSTemporaryDirectory() + "model-import-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let (empty, model) = (folder + "/empty.pth", folder + "/model.pth")
    try Data().write(to: URL(fileURLWithPath: empty))
    let checkpoint = Checkpoint.random(config: try narrow(.resnet18), seed: 1)
    try Data(safetensorsFile(checkpoint.named)).write(to: URL(fileURLWithPath: model))
    #expect(try Network(contentsOf: model).source.format == "safetensors")
    for path in [folder, empty, folder + "/absent.pth"] {
      let error = #expect(throws: ImportError.self) { try Network(contentsOf: path) }
      expectError(error, "unreadable", "\"\(path)\": ")
    }
  }

  /// Vectors of FIPS 180-2, appendix B.
  @Test func sha256HasThePublishedDigests() {
    #expect(
      sha256Hex(Array("abc".utf8))
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      sha256Hex([])
        == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
  }

  @Test func errorsAreOneLineWhateverTheFileSays() {
    let hostile = "w\n\u{1b}[2J\u{202e}\"" + String(repeating: "x", count: 200)
    let errors: [ImportError] = [
      .unreadable(path: hostile, reason: "gone"), .missingEntry(name: hostile),
      .badArchive(entry: hostile, reason: "broken"), .bigEndian,
      .refusedGlobal(name: hostile, offset: 1), .refusedOpcode(name: "DUP", offset: 2),
      .refusedCall(name: hostile, offset: 3, found: "None"),
      .unexpectedEntry(name: hostile, expected: "a tensor", found: "None"),
      .duplicateTensor(name: hostile), .unsupportedElementType(tensor: hostile, found: hostile),
      .badShape(tensor: hostile, shape: [-1]),
      .byteCountMismatch(tensor: hostile, expected: 1, found: 2),
      .badDataOffset(tensor: hostile, expected: 1, found: 2),
      .outsideStorage(tensor: hostile, storage: hostile, lastElement: 2, elementCount: 1),
      .nonFinite(tensor: hostile, index: 3, found: "nan"),
    ]
    for error in errors {
      let text = "\(error)"
      #expect(text.contains("expected") || text.contains("cannot read"), "\(text)")
      #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "\u{202e}" }, "\(text)")
      #expect(text.count < 500)
    }
  }
}
