// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Photos to teach with.
package enum TeachingPhotos {
  package static let classes = ["church", "tench", "parachute"]
}

extension Scratch {
  /// Makes a folder of each class in `photos`; the photos of a class are copies of one that differ in a byte that no
  /// decoder reads.
  package func makeTeachingPhotos(_ counts: [Int] = [3, 3, 3]) throws {
    for (name, count) in zip(TeachingPhotos.classes, counts) {
      let data = try Data(path: Repository.example(name))
      try makeFolder("photos/\(name)")
      for index in 0..<count {
        try write(data + [UInt8(index)], to: "photos/\(name)/\(index).jpg")
      }
    }
  }
}
