// SPDX-License-Identifier: Apache-2.0

/// The parts of the photos that are left out by turns in a cross-validation.
///
/// Each class is parted alike. Photos that are neighbours in their class stay in one fold, because frames of a camera
/// that follow each other are nearly the same photo, and a head that has learned one knows the other.
struct Folds {
  /// Up to so many photos are left out one by one, if classes are small.
  static var leaveOneOutLimit: Int { 100 }
  /// The most folds of more photos.
  static var most: Int { 10 }

  /// How many there are.
  let count: Int

  /// Assigns each photo to a fold.
  ///
  /// - Parameters:
  ///   - labels: the class of each photo.
  ///   - classCounts: twice as many as there are classes: the photos of each, and room for as many numbers.
  ///   - folds: filled with the fold of each photo.
  init(
    labels: UnsafeBufferPointer<UInt32>, classCounts: UnsafeMutableBufferPointer<Int>,
    folds: UnsafeMutablePointer<UInt32>
  ) {
    let photos = labels.count
    let classes = classCounts.count / 2
    var smallest = photos
    for label in 0..<classes { smallest = min(smallest, classCounts[label]) }
    let isSmall = photos <= Folds.leaveOneOutLimit && smallest < Folds.most
    count = isSmall ? photos : photos <= 400 ? Folds.most : Folds.most / 2
    for label in 0..<classes { classCounts[classes + label] = 0 }
    // The first photos of small classes should not all be in the first fold.
    for photo in 0..<photos {
      let label = Int(labels[photo])
      let place = classCounts[classes + label]
      classCounts[classes + label] += 1
      let fold = isSmall ? photo : place * count / max(classCounts[label], 1) + label
      folds[photo] = UInt32(fold % count)
    }
  }
}
