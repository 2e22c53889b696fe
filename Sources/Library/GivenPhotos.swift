// SPDX-License-Identifier: Apache-2.0

import CResNetLibrary
import CResNetPlatform
import ResNetPlatform
import ResNetTeaching

/// The photos that C teaches with: labels and names that were checked, features that teaching checks.
struct GivenPhotos: LabelledFeatures {
  let count, classCount: Int

  private let featureCount: Int
  private let values: UnsafePointer<Float>
  private let labels: UnsafePointer<UInt32>
  private let names: UnsafePointer<UnsafePointer<CChar>?>

  /// Bytes that the names of classes take at most, with a zero byte behind each.
  static func nameByteCount(classes: Int) -> Int { classes * (TeachingSize.mostNameBytes + 1) }

  /// - Parameter size: of the same teaching.
  init(_ teaching: resnet_teaching, _ size: TeachingSize) throws(Failure) {
    values = try require(teaching.features, "features")
    labels = try require(teaching.labels, "labels")
    names = try require(teaching.class_names, "names of classes")
    (count, classCount, featureCount) = (size.photos, size.classes, size.features)
    for label in 0..<classCount { try checkName(label) }
    for photo in 0..<count where Int(labels[photo]) >= classCount {
      throw Failure(
        expected: "labels below \(classCount)", found: "\(labels[photo]) of photo \(photo)")
    }
  }

  private func checkName(_ label: Int) throws(Failure) {
    let name = try require(names[label], "the name of a class")
    let length = strnlen(name, TeachingSize.mostNameBytes + 1)
    guard 1...TeachingSize.mostNameBytes ~= length else {
      let found: TextLine = length == 0 ? "none" : "more"
      throw Failure(
        expected: "names of 1 to \(TeachingSize.mostNameBytes) bytes",
        found: "\(found) of class \(label)")
    }
    guard firstHiddenByte(UnsafeBufferPointer(cString: name)) == nil else {
      throw Failure(
        expected: "names of UTF-8 without control characters", found: "\(name) of class \(label)")
    }
    for other in 0..<label where strcmp(className(other), name) == 0 {
      throw Failure(
        expected: "a name of its own for each class",
        found: "\(name) of classes \(other) and \(label)")
    }
  }

  func className(_ label: Int) -> UnsafePointer<CChar> { names[label]! }

  func label(_ photo: Int) -> Int { Int(labels[photo]) }

  func features(_ photo: Int) -> UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(start: values + photo * featureCount, count: featureCount)
  }

  func digest(_ photo: Int) -> PhotoTable.Digest {
    sha256Digest(UnsafeRawBufferPointer(features(photo)))
  }
}
