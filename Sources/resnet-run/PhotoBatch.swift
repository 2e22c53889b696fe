// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetBoardTool
import ResNetImages
import ResNetPlanFormat
import ResNetPlatform
import ResNetRuntime
import Synchronization

/// Labelled photos that are read by all threads of a session at once and classified in one run.
///
/// - **Allocates:** the paths; while it reads, what decoding and resizing need on each thread.
struct PhotoBatch: ~Copyable {
  /// How many photos there are, at most ``Session/batchLimit``.
  private(set) var count = 0
  /// How many of them could be read; those are the images of the run, in order.
  private(set) var readCount = 0

  private var paths = InlineArray<64, Path?> { _ in nil }
  private var labels = InlineArray<64, Int>(repeating: 0)
  private var errors = InlineArray<64, ImageError?>(repeating: nil)

  init() {}

  /// Adds a photo.
  mutating func append(_ path: consuming Path, label: Int) {
    paths[count] = consume path
    labels[count] = label
    errors[count] = nil
    count += 1
  }

  /// Takes all photos away.
  mutating func removeAll() {
    for index in 0..<count { paths[index] = nil }
    (count, readCount) = (0, 0)
  }

  /// The class of a photo.
  func label(_ index: Int) -> Int { labels[index] }

  /// Why a photo could not be read; nil if it was.
  func error(_ index: Int) -> ImageError? { errors[index] }

  /// The path of a photo; valid until it is taken away.
  func path(_ index: Int) -> UnsafePointer<CChar> { UnsafePointer(paths[index]!.text) }

  /// Reads all photos to where the classifier takes its images.
  mutating func read(for classifier: inout Classifier) {
    var texts = InlineArray<64, UnsafePointer<CChar>?>(repeating: nil)
    for index in 0..<count { texts[index] = path(index) }
    let count = count
    var errorSpan = errors.mutableSpan
    texts.span.withUnsafeBufferPointer { texts in
      errorSpan.withUnsafeMutableBufferPointer { errors in
        var reader = PhotoReader(
          paths: UnsafeBufferPointer(rebasing: texts[0..<count]), errors: errors, classifier)
        withUnsafeMutablePointer(to: &reader) {
          classifier.onEachThread($0) { context, _ in
            context!.assumingMemoryBound(to: PhotoReader.self).pointee.readSome()
          }
        }
        reader.readLarge()
      }
    }
    for index in 0..<count where errors[index] == nil {
      if readCount < index {
        memcpy(
          classifier.pixels(ofImage: readCount), classifier.pixels(ofImage: index),
          classifier.session.plan.imageByteCount)
      }
      readCount += 1
    }
  }
}

/// What the threads that read photos share.
private struct PhotoReader: ~Copyable {
  let paths: UnsafeBufferPointer<UnsafePointer<CChar>?>
  /// A place for each photo.
  let errors: UnsafeMutableBufferPointer<ImageError?>
  let preprocessing: PreprocessingRecord
  let pixels: UnsafeMutablePointer<UInt8>
  let imageByteCount: Int
  /// What the photos that are read at a time may have.
  let maximumPixels: Int
  /// The first photo that no thread has taken.
  private let next = Atomic<Int>(0)

  init(
    paths: UnsafeBufferPointer<UnsafePointer<CChar>?>,
    errors: UnsafeMutableBufferPointer<ImageError?>, _ classifier: borrowing Classifier
  ) {
    self.paths = paths
    self.errors = errors
    preprocessing = classifier.preprocessing
    pixels = classifier.pixels(ofImage: 0)
    imageByteCount = classifier.session.plan.imageByteCount
    // All together take 0.1 GB, three times that if they are progressive.
    maximumPixels = (1 << 25) / classifier.session.threads
  }

  /// Reads photos that no other thread has taken, until there are no more.
  func readSome() {
    while true {
      let index = next.add(1, ordering: .relaxed).oldValue
      guard index < paths.count else { return }
      errors[index] = read(index, maximumPixels: maximumPixels)
    }
  }

  /// Reads the photos that are too large for several threads, one by one.
  func readLarge() {
    for index in paths.indices {
      guard case .tooLarge = errors[index] else { continue }
      errors[index] = read(index, maximumPixels: RGBImage.maximumPixels)
    }
  }

  private func read(_ index: Int, maximumPixels: Int) -> ImageError? {
    do throws(ImageError) {
      try preprocess(
        RGBImage(path: paths[index]!, maximumPixels: maximumPixels), as: preprocessing,
        into: pixels + index * imageByteCount)
      return nil
    } catch {
      return error
    }
  }
}
