// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
public import ResNetRuntime

extension Classifier {
  /// Resizes and crops an image as the plan says, to where ``run(images:)`` takes it.
  ///
  /// - Throws: `outOfMemory`.
  package func prepare(_ image: borrowing RGBImage) throws(ImageError) {
    try preprocess(image, as: preprocessing, into: pixels.baseAddress!)
  }

  #if !hasFeature(Embedded)
    /// Classifies an image of any size.
    ///
    /// - Parameter image: resized and cropped as the plan's preprocessing says.
    /// - Throws: ``ImageError/outOfMemory``.
    /// - **Allocates:** the working memory of `preprocess(_:as:into:)`, freed
    ///   before the inference; the arrays of the result, and the names of the classes the first time.
    public mutating func classify(_ image: borrowing RGBImage) throws(ImageError) -> Classification
    {
      try prepare(image)
      run()
      return classification()
    }

    /// Reads a JPEG or PNG file and classifies it.
    ///
    /// - Throws: ``ImageError``: the file cannot be read or decoded, or there is no memory.
    /// - **Allocates:** as decoding and `classify(_:)` do; the photo is freed before the inference.
    public mutating func classify(contentsOf path: String) throws(ImageError) -> Classification {
      try prepare(RGBImage(path: path))
      run()
      return classification()
    }
  #endif
}
