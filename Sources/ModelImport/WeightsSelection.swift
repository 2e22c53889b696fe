// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph

/// Which tensors of a file are the network's: those of one ResNet and of its linear layer.
struct WeightsSelection {
  private(set) var checkpoint = Checkpoint()
  /// Entries of the dictionary that are no tensors, with what they are.
  private(set) var others: [String: String] = [:]
  /// The names of the tensors to be read, by their places.
  private(set) var names: [Int: String] = [:]
  /// The names of the tensors that others are multiplied by, by the others' names.
  private var masks: [String: String] = [:]

  /// A ResNet among the tensors of a file.
  private struct Candidate {
    var dictionary: Int
    var schema: CheckpointSchema
    /// What leads to it, joined by points.
    var label: String

    init(_ dictionary: Int, _ path: String, _ schema: CheckpointSchema = .torchvision) {
      (self.dictionary, self.schema) = (dictionary, schema)
      let parts = [path, String(schema.prefix.dropLast())]
      label = parts.filter { !$0.isEmpty }.joined(separator: ".")
    }

    func isMeant(by name: String) -> Bool {
      let prefix = schema.prefix.dropLast()
      return [label, String(prefix)].contains { $0 == name || $0.hasPrefix(name + ".") }
    }

    func isExactly(_ name: String) -> Bool {
      name == label || name == schema.prefix.dropLast()
    }

    /// The lower the better: averaged weights (EMA) before others, as timm and torchvision prefer them, then
    /// names that only say that it is the network, the more usual ones first.
    var rank: [Int] {
      let parts = label.split(separator: ".").map { $0.lowercased() }
      let isAveraged = parts.contains { part in
        part.split(separator: "_").contains { ["ema", "swa", "averaged"].contains($0) }
      }
      let known = parts.map { Self.usual.firstIndex(of: $0) ?? Self.usual.count }
      return [isAveraged ? 0 : 1, isAveraged || !known.contains(Self.usual.count) ? 0 : 1] + known
    }

    private static let usual = [
      "state_dict", "model_state_dict", "model_state", "state", "params", "weights", "module",
      "model", "_orig_mod", "net", "network", "backbone", "resnet", "encoder",
    ]
  }

  /// - Parameters:
  ///   - weights: the keys or prefix of the network that is wanted; nil for the best.
  ///   - acceptsAny: whether a dictionary without a ResNet may be taken, all of it.
  init(of found: [StoredDictionary], weights: String?, acceptsAny: Bool) throws(ImportError) {
    var dictionaries = found
    for index in dictionaries.indices { dictionaries[index].joinMasks() }
    var all: [Candidate] = []
    for (index, dictionary) in dictionaries.enumerated() {
      all += try CheckpointSchema.all(in: dictionary.tensors).map {
        Candidate(index, dictionary.path, $0)
      }
      try checkLimit(all.count, ImportLimits.networks, "networks in a file")
    }
    let wanted = all.filter { weights.map($0.isMeant) ?? true }
    if wanted.isEmpty {
      let any = dictionaries.first { weights ?? $0.path == $0.path }
      if let weights, !acceptsAny || any == nil { throw .noSuchWeights(name: weights) }
      guard acceptsAny else { throw Self.nothing(in: dictionaries) }
      checkpoint.wrapper = any?.wrapper
      for (name, tensor) in any?.tensors ?? [:] { add(name, tensor) }
      checkpoint.skipped.sort()
      return
    }
    // Several with one rank are equal, so that the user must say which.
    let ranked = wanted.sorted { $0.rank.lexicographicallyPrecedes($1.rank) }
    let equals = ranked.prefix { $0.rank == ranked[0].rank }
    if equals.count > 1 { throw .severalNetworks(names: equals.map(\.label).sorted()) }
    try choose(
      ranked[0], among: all, dictionaries[ranked[0].dictionary], asked: weights)
  }

  private mutating func choose(
    _ chosen: Candidate, among all: [Candidate], _ dictionary: StoredDictionary, asked: String?
  ) throws(ImportError) {
    let schema = chosen.schema
    checkpoint.schema = schema
    checkpoint.wrapper = dictionary.wrapper
    checkpoint.passedOver = all.map(\.label).filter { $0 != chosen.label }
    others = dictionary.others
    let siblings = all.filter { $0.dictionary == chosen.dictionary && $0.label != chosen.label }
    let isForeign = { (name: String) in
      siblings.contains { other in
        name.utf8.starts(with: other.schema.prefix.utf8)
          && !schema.prefix.hasPrefix(other.schema.prefix)
      }
    }
    let names = dictionary.tensors.keys.sorted().filter { !isForeign($0) }
    if let error = Self.conversion(neededBy: names) { throw error }
    let head = try Self.head(
      dictionary.tensors, names, schema, isAlone: asked.map(chosen.isExactly) ?? false)
    checkpoint.schema.head = head.name
    let linear = head.name.map { [$0 + ".weight", $0 + ".bias"] } ?? []
    var leftOut: [String] = []
    for name in names {
      guard let tensor = dictionary.tensors[name] else { continue }
      let isOutside = !name.hasPrefix(schema.prefix) && (!tensor.isFloat || asked != nil)
      if schema.holds(name) || linear.contains(name) {
        add(name, tensor)
      } else if head.isBeside(name) || isOutside {
        leftOut.append(name)
      } else if tensor.isFloat {
        throw .network(
          .unexpectedTensor(name: name, found: tensor.shape, configuration: "a ResNet"))
      } else {
        checkpoint.skipped.append(name)
      }
    }
    checkpoint.skipped.sort()
    if let name = head.name {
      let isOwn = [.huggingFace, .stages].contains(schema.family)
      if name != schema.prefix + "fc", !isOwn { note("the classifier is \(quoted(name))") }
      if dictionary.tensors[name + ".bias"] == nil { note("the classifier has no bias") }
    } else {
      note("there is no classifier: the network gives features only")
    }
    if !leftOut.isEmpty {
      let shown = leftOut.prefix(4).map { quoted($0) }.joined(separator: ", ")
      note("left out what is no part of the network: \(shown)\(leftOut.count > 4 ? " …" : "")")
    }
    if !masks.isEmpty { note("multiplied \(masks.count) weights by their pruning masks") }
  }

  /// - Parameter isAlone: whether the network was asked for by its own prefix, so that what is outside matters only if
  ///   it is a classifier without doubt.
  private static func head(
    _ tensors: [String: StoredTensor], _ names: [String], _ schema: CheckpointSchema, isAlone: Bool
  ) throws(ImportError) -> HeadSearch {
    guard isAlone, !schema.prefix.isEmpty else {
      return try HeadSearch(tensors, names, schema)
    }
    let inside = try HeadSearch(tensors, names.filter { $0.hasPrefix(schema.prefix) }, schema)
    if inside.name != nil { return inside }
    return (try? HeadSearch(tensors, names, schema)) ?? inside
  }

  private mutating func note(_ line: String) { checkpoint.notes.append(line) }

  private mutating func add(_ name: String, _ tensor: StoredTensor) {
    guard tensor.isFloat else {
      checkpoint.skipped.append(name)
      return
    }
    names[tensor.place] = name
    if let mask = tensor.mask {
      masks[name] = name + "_mask"
      names[mask] = name + "_mask"
    }
  }

  /// Takes the tensors that were read.
  mutating func take(_ tensors: [String: Tensor]) throws(ImportError) {
    checkpoint.tensors = tensors
    for (name, mask) in masks {
      guard let tensor = tensors[name], let mask = checkpoint.tensors.removeValue(forKey: mask)
      else { continue }
      let values = zip(tensor.values, mask.values).map { $0 * $1 }
      try checkFinite(values, tensor: name)
      checkpoint.tensors[name] = Tensor(shape: tensor.shape, values: values)
    }
  }

  /// Why there is no ResNet in a file.
  private static func nothing(in dictionaries: [StoredDictionary]) -> ImportError {
    for dictionary in dictionaries {
      if let error = conversion(neededBy: dictionary.tensors.keys.sorted()) { return error }
    }
    let most = dictionaries.max { $0.tensors.count < $1.tensors.count }
    let names = most?.tensors.keys.sorted() ?? []
    return .noResNet(count: names.count, names: Array(names.prefix(3)))
  }

  /// The error for names that layers have which must be made plain ones first; nil if there are none.
  private static func conversion(neededBy names: [String]) -> ImportError? {
    let quantized = "give the state_dict() of the float model"
    let unpruned = "call prune.remove or remove_spectral_norm, then save"
    let kinds: [(part: String, kind: String, advice: String)] = [
      ("parametrizations.", "parametrized layers", "call remove_parametrizations, then save"),
      ("activation_post_process.", "a model of quantization-aware training", quantized),
      ("fake_quant.", "a model of quantization-aware training", quantized),
      ("_packed_params.", "a quantized model", quantized),
      ("zero_point.", "a quantized model", quantized),
      ("weight_g.", "layers with weight normalization", "call remove_weight_norm, then save"),
      ("weight_u.", "layers with spectral normalization", "call remove_spectral_norm, then save"),
      ("weight_orig.", "layers with pruning or spectral normalization", unpruned),
      ("lora_A.", "layers with adapters (LoRA)", "merge them, then save"),
    ]
    let hasDeepStem = names.contains { $0.hasSuffix("conv1.3.weight") }
    for name in names {
      if let found = kinds.first(where: { "\(name).".contains($0.part) }) {
        return .unplainLayers(tensor: name, found: found.kind, advice: found.advice)
      }
      // PyTorch's fusion for quantization-aware training puts a norm into the convolution's module.
      if name.hasSuffix("conv1.1.running_mean"), !hasDeepStem {
        return .unplainLayers(
          tensor: name, found: "fused layers", advice: "save the state_dict() before fuse_modules")
      }
    }
    return nil
  }
}

/// The search for the linear layer that reads a ResNet's features.
private struct HeadSearch {
  /// What precedes `.weight` in its name; nil if there is none.
  let name: String?
  /// Other linear layers that read the features.
  private let parallel: Set<String>
  /// Of the network's names.
  private let prefix: String

  /// Words for what trains a network and is no part of it.
  private static let training: Set<Substring> = [
    "criterion", "loss", "losses", "metric", "metrics", "center", "centers", "queue", "aux",
    "auxiliary", "projector", "predictor", "averaged", "ema",
  ]
  private static let usual = ["fc", "classifier", "head", "last_linear", "linear", "logits"]

  /// Whether a tensor is no part of the network: it belongs to a loss, or to another layer that reads the features.
  func isBeside(_ name: String) -> Bool {
    Self.isOfTraining(name, beside: prefix) || parallel.contains(name)
  }

  /// Whether a name has a word for training behind the modules that the network is in too.
  private static func isOfTraining(_ name: String, beside prefix: String) -> Bool {
    let (parts, common) = (name.split(separator: "."), prefix.split(separator: "."))
    let depth = zip(parts, common).prefix { $0 == $1 }.count
    return parts.dropFirst(depth).contains { part in
      part.split(separator: "_").contains { training.contains($0) }
    }
  }

  init(_ tensors: [String: StoredTensor], _ names: [String], _ schema: CheckpointSchema)
    throws(ImportError)
  {
    prefix = schema.prefix
    // That of faces reads an image, and has a place of its own.
    if schema.family == .faces {
      (name, parallel) = (schema.prefix + "fc", [])
      return
    }
    let features = Self.features(tensors, schema)
    let linears: [(name: String, shape: [Int])] = names.compactMap { name in
      guard name.hasSuffix(".weight"), let tensor = tensors[name], tensor.isFloat,
        Self.isLinear(tensor.shape, schema), !schema.holds(name),
        !Self.isOfTraining(name, beside: schema.prefix)
      else { return nil }
      return (String(name.dropLast(".weight".count)), tensor.shape)
    }
    let fitting = linears.filter { $0.shape[1] == features }
    func error(_ found: String) -> ImportError {
      .noClassifier(features: features ?? 0, found: found)
    }
    guard !fitting.isEmpty else {
      guard let other = linears.first else {
        (name, parallel) = (nil, [])
        return
      }
      let isPair = features.map { $0 * 2 } == other.shape[1]
      throw error(
        "\(quoted(other.name)) of \(other.shape[1])"
          + (isPair ? " for average and max pool, as fastai's head of two layers has" : ""))
    }
    let readers = Dictionary(grouping: linears) { $0.shape[1] }
    for first in fitting {
      if let next = readers[first.shape[0]]?.first(where: { $0.name != first.name }) {
        throw error("two layers, \(quoted(first.name)) and \(quoted(next.name))")
      }
    }
    // That of the innermost module, then the one with the most usual name.
    func rank(_ linear: String) -> [Int] {
      let scope = zip(linear, schema.prefix).prefix { $0 == $1 }.count
      let first = linear.split(separator: ".").first { Self.usual.contains(String($0)) }
      return [-scope, first.flatMap { Self.usual.firstIndex(of: String($0)) } ?? Self.usual.count]
    }
    let ranked = fitting.map { (name: $0.name, rank: rank($0.name)) }
      .sorted { $0.rank.lexicographicallyPrecedes($1.rank) }
    if ranked.count > 1, ranked[0].rank == ranked[1].rank {
      throw error("several: " + ranked.prefix(4).map { quoted($0.name) }.joined(separator: ", "))
    }
    name = ranked[0].name
    parallel = Set(ranked.dropFirst().flatMap { [$0.name + ".weight", $0.name + ".bias"] })
  }

  /// A matrix; timm's ResNetV2 has a 1×1 convolution.
  private static func isLinear(_ shape: [Int], _ schema: CheckpointSchema) -> Bool {
    shape.count == 2 || schema.family == .stages && shape.count == 4 && shape[2...] == [1, 1]
  }

  /// The output channels of the last stage's first block; nil if its tensors do not tell.
  private static func features(_ tensors: [String: StoredTensor], _ schema: CheckpointSchema)
    -> Int?
  {
    func outputs(_ convolution: Int, _ stage: Int) -> Int? {
      let place = ResNetConfig.Place.branch(convolution, block: 0, stage: stage)
      return tensors[schema.weight(place)]?.shape.first
    }
    let last = (0..<4).last { outputs(0, $0) != nil } ?? 0
    return outputs(2, last) ?? outputs(1, last)
  }
}
