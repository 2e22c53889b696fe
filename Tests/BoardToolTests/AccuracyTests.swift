// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestPlans
import Testing
import ToolSupport

extension BoardTools.AccuracyTests {
  @Test func examplePhotosGetTheirLabels() throws {
    let folder = ShippedModel.folder.appendingPathComponent("examples").path
    let names = try Folder.names(folder)
    #expect(names.count == 10)
    let lines = try Tool.run(
      [ShippedModel.int8()] + names.map { "\(folder)/\($0)" } + ["--top", "1", "--json"]
    ).lines
    #expect(lines.count == names.count)
    for (name, line) in zip(names, lines) {
      let label = name.dropLast(".jpg".count).replacingOccurrences(of: "-", with: " ")
      #expect(line.lowercased().contains(" \(label)\""), "\(name)")
    }
  }

  /// What the Winograd forms of float32 cost in accuracy, of the photos to calibrate with.
  @Test func float32FormsStayCloseToDirectSums() throws {
    let photos = try Folder.names(ShippedModel.calibration).map {
      "\(ShippedModel.calibration)/\($0)"
    }
    func logits(_ plan: MadePlan) throws -> [Float] {
      Array(try vectors("logits", plan: plan(), photos: photos, width: 10).joined())
    }
    let direct = try logits(ShippedModel.directFloat32)
    let difference = try relativeDifference(logits(ShippedModel.float32), direct)
    print("float32 logits: \(difference) of the greatest from direct sums")
    #expect(difference > 0 && difference < 1e-5)
  }

  /// Coded convolutions keep the labels, and the noise that their default allows.
  @Test func codedConvolutionsStayCloseToFloat32() throws {
    let folder = ShippedModel.folder.appendingPathComponent("examples").path
    let photos = try Folder.names(folder).map { "\(folder)/\($0)" }
    func logits(_ plan: MadePlan) throws -> [[Float]] {
      try vectors("logits", plan: plan(), photos: photos, width: 10)
    }
    let (float, fast) = (try logits(ShippedModel.float32), try logits(ShippedModel.fast))
    for (a, b) in zip(float, fast) {
      #expect(a.firstIndex(of: a.max()!) == b.firstIndex(of: b.max()!))
    }
    let ratio = signalToNoise(of: Array(fast.joined()), against: Array(float.joined()))
    print("coded convolutions: logits \(ratio) dB")
    #expect(ratio > 33)
  }

  /// int8 against float32 on the 1,000 validation photos.
  @Test(.slow, .sharedData) func int8StaysCloseToFloat32() throws {
    let photos = try SharedData.validationPhotos()
    #expect(photos.count == 1000)
    let float = try vectors("logits", plan: ShippedModel.float32(), photos: photos, width: 10)
    let int8 = try vectors("logits", plan: ShippedModel.int8(), photos: photos, width: 10)
    let synsets = try ShippedModel.classWords().map { $0[0] }
    let labels = try photos.map { photo in
      try #require(synsets.firstIndex { photo.contains("/\($0)/") })
    }

    func argmax(_ values: [Float]) -> Int { values.indices.max { values[$0] < values[$1] }! }
    let floatAnswers = float.map(argmax)
    let int8Answers = int8.map(argmax)
    let floatRight = zip(floatAnswers, labels).count { $0 == $1 }
    let int8Right = zip(int8Answers, labels).count { $0 == $1 }
    let agreeing = zip(floatAnswers, int8Answers).count { $0 == $1 }
    let ratio = signalToNoise(of: Array(int8.joined()), against: Array(float.joined()))
    print(
      "float32 top-1 \(floatRight) of 1000, int8 \(int8Right), same label \(agreeing), "
        + String(format: "logits %.2f dB", ratio))
    #expect(floatRight == 890)
    #expect(int8Right >= floatRight - 2)
    #expect(agreeing >= 995)
    #expect(ratio >= 33)
  }
}
