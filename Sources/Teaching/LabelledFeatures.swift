// SPDX-License-Identifier: Apache-2.0

/// The features of photos whose classes are known: what a plan is taught with.
package protocol LabelledFeatures {
  /// The number of photos.
  var count: Int { get }
  /// The number of classes.
  var classCount: Int { get }

  /// The name of a class, ended by a zero byte.
  func className(_ label: Int) -> UnsafePointer<CChar>

  /// The class of a photo.
  func label(_ photo: Int) -> Int

  /// The features of a photo, of all its views.
  func features(_ photo: Int) -> UnsafeBufferPointer<Float>

  /// What tells a photo from others.
  func digest(_ photo: Int) -> PhotoTable.Digest
}

extension PhotoTable: LabelledFeatures {}

extension HeadTrainer {
  /// Adds all photos.
  ///
  /// - Throws: ``TeachingError/featureRange(photo:)``.
  package mutating func add(_ photos: some LabelledFeatures) throws(TeachingError) {
    for photo in 0..<photos.count {
      try add(photos.features(photo).span, label: photos.label(photo))
    }
  }
}
