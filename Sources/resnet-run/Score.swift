// SPDX-License-Identifier: Apache-2.0

import ResNetPlatform

/// How often the network was right, and how long it took.
struct Score {
  /// Images that were classified.
  private(set) var images = 0
  /// Images that could not be read; they count nowhere else.
  var unreadable = 0
  /// Sums over the images, in nanoseconds.
  var inputTime: Int64 = 0
  var inferenceTime: Int64 = 0
  /// From the first image's start to the last one's end, in nanoseconds.
  var elapsed: Int64 = 0

  private var first = 0
  private var amongFive = 0

  /// The fraction of images whose class came first.
  var top1: Double { Double(first) / Double(images) }

  /// The fraction of images whose class was among the first five.
  var top5: Double { Double(amongFive) / Double(images) }

  /// Images per second, decoding and resizing included.
  var imagesPerSecond: Double { Double(images) * 1e9 / Double(elapsed) }

  /// The mean of a sum of nanoseconds over the images, in milliseconds.
  func mean(_ sum: Int64) -> Double { milliseconds(sum) / Double(images) }

  /// Counts an image of class `label`, given the most probable classes.
  mutating func count(_ label: Int, _ ranking: UnsafeBufferPointer<Int>) {
    images += 1
    for place in 0..<ranking.count where ranking[place] == label {
      if place == 0 { first += 1 }
      amongFive += 1
    }
  }

  /// How far an evaluation of so many images is.
  func progress(of total: Int) -> TextLine {
    var line: TextLine = "\(images + unreadable) of \(total) images"
    if images > 0 { line.append(", top-1 \(top1, decimals: 4)") }
    return line
  }
}
