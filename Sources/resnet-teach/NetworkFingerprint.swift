// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetPlanFormat
import ResNetPlatform
import ResNetRuntime
import ResNetTeaching

/// What tells networks apart by what they do, not by their files: a plan and one that was taught with it have the same.
///
/// The SHA-256 digest of the features of a known image and of the record of the preprocessing.
func fingerprint(
  _ classifier: inout Classifier, _ block: UnsafeMutableRawPointer
) -> FeatureFile.Fingerprint {
  var random: UInt32 = 1
  for index in classifier.pixels.indices {
    // Numerical Recipes' linear congruential generator.
    random = random &* 1_664_525 &+ 1_013_904_223
    classifier.pixels[index] = UInt8(random >> 24)
  }
  classifier.run()
  let features = classifier.session.features
  let bytes = UnsafeMutableRawBufferPointer(
    start: block, count: fingerprintByteCount(features.count))
  bytes.copyMemory(from: UnsafeRawBufferPointer(features))
  memset(bytes.baseAddress! + 4 * features.count, 0, PreprocessingRecord.byteCount)
  classifier.preprocessing.write(to: bytes, at: 4 * features.count)
  return sha256Digest(UnsafeRawBufferPointer(bytes))
}

/// Bytes of memory that the fingerprint of a network takes.
func fingerprintByteCount(_ features: Int) -> Int { 4 * features + PreprocessingRecord.byteCount }
