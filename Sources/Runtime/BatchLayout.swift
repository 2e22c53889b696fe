// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat

/// Where the images of a batch are computed, and where their outputs are kept.
///
/// The first images have arenas, one for each thread that computes images alone. A thread computes the other images
/// there before and copies their outputs to places of their own.
struct BatchLayout {
  /// The most images of a run.
  let imageCount: Int
  /// One for each thread, or a single one if there are fewer images than threads.
  let arenaCount: Int
  private let arenaPitch: Int
  /// The offsets in an arena that outputs have, and bytes from the outputs of one image to those of the next.
  private let outputs: Range<Int>
  private let outputsPitch: Int

  init(_ view: PlanView, threads: Int, images: Int) {
    imageCount = images
    arenaCount = images >= threads ? threads : 1
    arenaPitch = PlanLayout.aligned(view.arenaByteCount + Session.overread)
    var (first, end) = (Int.max, 0)
    for index in 0..<view.outputCount {
      let tensor = view.tensor(view.output(index).tensor)
      first = min(first, tensor.offset)
      end = max(end, tensor.offset + tensor.storageByteCount)
    }
    outputs = first..<end
    outputsPitch = PlanLayout.aligned(end - first)
  }

  /// Bytes of all arenas and of the outputs beside them.
  var byteCount: Int { arenaCount * arenaPitch + (imageCount - arenaCount) * outputsPitch }

  /// From the start of the memory to an image's arena; of the images without one, to where it would begin for their
  /// outputs to be at their offsets.
  func arena(ofImage image: Int) -> Int {
    guard image >= arenaCount else { return image * arenaPitch }
    return arenaCount * arenaPitch + (image - arenaCount) * outputsPitch - outputs.lowerBound
  }
}

/// Bytes of an arena that an output has.
struct OutputBytes {
  let offset, count: Int

  init(_ tensor: TensorRecord) {
    offset = tensor.offset
    count = tensor.storageByteCount
  }
}
