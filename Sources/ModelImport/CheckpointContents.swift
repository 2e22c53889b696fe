// SPDX-License-Identifier: Apache-2.0

/// What a reader found, before names are tidied.
struct CheckpointContents {
  var tensors: [String: Tensor] = [:]
  var skipped: [String] = []
  var wrapper: String?
  var passedOver: [String] = []

  /// What training loops put before the names of all tensors of a network, the best first: averaged
  /// weights (EMA), then modules that hold the network.
  private static let prefixes = [
    "ema_model.", "model_ema.", "module_ema.", "ema.", "_orig_mod.", "module.", "model.",
    "backbone.", "resnet.", "net.", "network.",
  ]

  /// The counter of PyTorch's `AveragedModel`.
  private static let averageCounter = "n_averaged"

  /// Removes known prefixes while the names have them and no stem is found without; tensors with
  /// other known prefixes are other copies and are left out. A name without any known prefix
  /// leaves all as it is.
  ///
  /// - Parameter weights: the prefix to take, without its point.
  /// - Returns: what was removed, nil if nothing was.
  mutating func stripPrefixes(weights: String?) -> String? {
    var removed = ""
    while let prefix = nextPrefix(weights: removed.isEmpty ? weights : nil) {
      for other in Self.prefixes where other != prefix {
        if tensors.keys.contains(where: { $0.hasPrefix(other) }) {
          passedOver.append(removed + other.dropLast())
        }
      }
      var kept: [String: Tensor] = [:]
      for (name, tensor) in tensors where name.hasPrefix(prefix) {
        kept[String(name.dropFirst(prefix.count))] = tensor
      }
      tensors = kept
      skipped = skipped.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
      removed += prefix
    }
    return removed.isEmpty ? nil : removed
  }

  private func nextPrefix(weights: String?) -> String? {
    let names = tensors.keys
    let hasStem = names.contains {
      $0 == "conv1.weight" || $0 == "conv1.0.weight" || $0.hasPrefix("resnet.embedder.")
    }
    guard !hasStem else { return nil }
    func isKnown(_ name: String) -> Bool {
      Self.prefixes.contains { name.hasPrefix($0) } || name == Self.averageCounter
    }
    guard names.allSatisfy(isKnown), skipped.allSatisfy(isKnown) else { return nil }
    let candidates = weights.map { [$0 + "."] } ?? Self.prefixes
    return candidates.first { prefix in names.contains { $0.hasPrefix(prefix) } }
  }
}
