// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph

/// A ResNet's state dictionary: its tensors by name.
///
/// Only floating-point tensors are kept, as float32, all finite; integer ones, such as PyTorch's
/// `num_batches_tracked`, carry no weights and are listed in `skipped`.
package struct Checkpoint {
  package var tensors: [String: Tensor] = [:]
  /// The names of integer tensors, which were not read, in alphabetical order.
  package var skipped: [String] = []
  /// How the tensors are named.
  package var schema = CheckpointSchema.torchvision
  /// As in `Network.Source`.
  package var wrapper: String?
  package var passedOver: [String] = []
  package var notes: [String] = []
  /// As in `Network.Source`. The prefix that Hugging Face's class gives is none of training.
  package var strippedPrefix: String? {
    let isOwn = schema.family == .huggingFace && schema.prefix.hasSuffix("resnet.")
    let prefix = schema.prefix.dropLast(isOwn ? "resnet.".count : 0)
    return prefix.isEmpty ? nil : String(prefix)
  }

  package init(tensors: [String: Tensor] = [:]) { self.tensors = tensors }
}

/// A reader of tensors by name, whose network is known by these names.
protocol StateDictionaryReader: ModelReader {
  /// Chooses tensors of the dictionaries in a file: their names by their places.
  typealias Selector = ([StoredDictionary]) throws(ImportError) -> [Int: String]

  /// The tensors that `select` chooses, by name; others are not read.
  static func tensors(
    _ bytes: UnsafeRawBufferPointer, _ limits: ImportLimits, select: Selector
  ) throws(ImportError) -> [String: Tensor]
}

extension StateDictionaryReader {
  static func read(_ bytes: UnsafeRawBufferPointer, _ options: ImportOptions)
    throws(ImportError) -> Network
  {
    let selection = try selection(bytes, options)
    do throws(GraphError) {
      return try Network(
        selection.checkpoint,
        bottleneckStride: options.bottleneckStride ?? options.configuration?.bottleneckStride,
        outputStride: options.outputStride ?? options.configuration?.outputStride,
        antiAliasing: options.antiAliasing ?? options.configuration?.antiAliasing)
    } catch {
      if case .missingTensor(let name, _) = error, let found = selection.others[name] {
        throw .unexpectedEntry(name: name, expected: "a tensor", found: "\(quoted(found))")
      }
      throw .network(error)
    }
  }

  fileprivate static func selection(
    _ bytes: UnsafeRawBufferPointer, _ options: ImportOptions, acceptsAny: Bool = false
  ) throws(ImportError) -> WeightsSelection {
    var selection: WeightsSelection?
    let tensors = try tensors(bytes, options.limits) { (dictionaries) throws(ImportError) in
      let made = try WeightsSelection(
        of: dictionaries, weights: options.weights, acceptsAny: acceptsAny)
      selection = made
      return made.names
    }
    guard var selection else { preconditionFailure("nothing was selected") }
    try selection.take(tensors)
    return selection
  }
}

extension Checkpoint {
  /// Reads the tensors of the file with the contents `bytes`, which must be a state dictionary, of a ResNet or not.
  package init(bytes: UnsafeRawBufferPointer, _ options: ImportOptions = ImportOptions())
    throws(ImportError)
  {
    let reader = try reader(of: bytes)
    guard let reader = reader as? any StateDictionaryReader.Type else {
      throw .unsupportedFormat(looksLike: "an \(reader.format), no state dictionary")
    }
    self = try reader.selection(bytes, options, acceptsAny: true).checkpoint
  }
}
