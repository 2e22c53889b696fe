// SPDX-License-Identifier: Apache-2.0

/// How much a checkpoint may ask for before it is refused.
///
/// Every size in a file is compared with these before memory is reserved for it. The standard
/// limits are far above what a ResNet needs; tests lower them.
package struct ImportLimits: Sendable {
  /// The bytes of all tensors together, as float32, and of all zip entries together.
  package var decodedBytes = 4 << 30

  /// The bytes of a safetensors header, which is text.
  package var headerBytes = 100 << 20

  /// The bytes of the pickle in a PyTorch archive. ResNet152's has about 110 KB.
  package var pickleBytes = 64 << 20

  /// The objects a pickle may make. ResNet152's makes about 12,000.
  package var pickleObjects = 2 << 20

  /// The objects on the pickle's stack at one time.
  package var pickleStack = 1 << 20

  /// The entries in the pickle's memo.
  package var pickleMemo = 1 << 20

  /// The fields and packed integers in the nodes and tensors of an ONNX model. ResNet152's has
  /// about 20,000.
  package var protobufFields = 1 << 18

  package init() {}
}

/// Refuses what is more than allowed.
func checkLimit(
  _ found: Int, _ limit: Int, _ what: @autoclosure () -> String
) throws(ImportError) {
  if found > limit { throw .limitExceeded(what: what(), limit: limit, found: found) }
}
