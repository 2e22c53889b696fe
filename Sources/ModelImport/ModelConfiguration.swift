// SPDX-License-Identifier: Apache-2.0

public import ResNetModelGraph
import ResNetPlatform

extension InputDescription {
  /// What the files beside the model at `path` say about its input: `config.json` of timm or of Hugging Face,
  /// `preprocessor_config.json` of Hugging Face, `preprocess.json` of deepghs.
  ///
  /// Only regular files of at most 1 MB in the model's folder are read. Without them nothing is said. Fields that are
  /// not known do not matter.
  ///
  /// - Throws: `ImportError.malformed` for a known field of another type, or for one that says of the network what
  ///   its tensors cannot and what is not supported; `.limitExceeded`.
  /// - **Allocates:** the files' values.
  public static func beside(_ path: String) throws(ImportError) -> InputDescription {
    try ModelConfiguration(beside: path).input
  }
}

/// What configuration files beside a model say that its tensors do not.
package struct ModelConfiguration {
  package private(set) var input = InputDescription()
  private(set) var bottleneckStride: ResNetConfig.BottleneckStride?
  private(set) var outputStride: Int?
  private(set) var antiAliasing: ResNetConfig.AntiAliasing?
  private(set) var notes: [String] = []

  /// The files of whatever program beside the model at `path`, there or not.
  package static func paths(beside path: String) -> [String] {
    names.map { folder(of: path) + $0 }
  }

  private static let names = ["config.json", "preprocessor_config.json", "preprocess.json"]

  private static func folder(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
  }

  init(beside path: String) throws(ImportError) {
    try self.init { (name) throws(ImportError) in
      guard let file = try? MappedFile(path: Self.folder(of: path) + name) else { return nil }
      try checkLimit(file.bytes.count, 1 << 20, "bytes of \(name) beside the model")
      return Array(file.bytes)
    }
  }

  /// - Parameter contents: the bytes of the file with a name; nil if there is none.
  package init(_ contents: (_ name: String) throws(ImportError) -> [UInt8]?) throws(ImportError) {
    func fields(_ name: String) throws(ImportError) -> Fields? {
      guard let bytes = try contents(name) else { return nil }
      // The closure's error would lose its type.
      let value = bytes.withUnsafeBytes { bytes in
        Result { () throws(ImportError) in try JSONValue(parsing: bytes, part: name) }
      }
      return Fields(file: name, value: try value.get())
    }
    if let fields = try fields(Self.names[0]) {
      guard try readNetwork(fields) else { return }
    }
    if let fields = try fields(Self.names[1]) { try readHuggingFace(fields) }
    if let fields = try fields(Self.names[2]) { try readStages(fields) }
  }

  /// Reads `config.json`.
  ///
  /// - Returns: whether it belongs to a ResNet.
  private mutating func readNetwork(_ fields: Fields) throws(ImportError) -> Bool {
    if let architecture = fields["architecture"].string {
      try readTimm(fields, architecture)
      return true
    }
    guard fields["model_type"].string == "resnet" else {
      let other = fields["model_type"].string.map { " (\(quoted($0)))" } ?? ""
      notes.append("config.json beside the model is of another one\(other) and was not looked at")
      return false
    }
    try fields.require("hidden_act", .string("relu"))
    try fields.require("downsample_in_first_stage", .bool(false))
    if case .bool(let isFirst) = fields["downsample_in_bottleneck"] {
      bottleneckStride = isFirst ? .first : .second
    }
    return true
  }

  private mutating func readTimm(_ fields: Fields, _ architecture: String) throws(ImportError) {
    let name = architecture.lowercased()
    if name.contains("blur") {
      antiAliasing = .blur
    } else if name.contains("netaa") || name.contains("nextaa") {
      antiAliasing = .average
    }
    let preprocessing = fields.object("pretrained_cfg") ?? fields
    for part in [fields, fields.object("model_args"), preprocessing].compactMap({ $0 }) {
      try part.require("act_layer", .string("relu"))
      if let stride = try part.outputStride { outputStride = stride == 32 ? nil : stride }
      let kinds: [String: ResNetConfig.AntiAliasing?] = [
        "": nil, "blur": .blur, "blurpool": .blur, "blurpool2d": .blur, "avg": .average,
        "avgpool": .average, "avgpool2d": .average,
      ]
      if let kind = try part.choice("aa_layer", kinds) { antiAliasing = kind }
      if part["global_pool"] != .string("") { try part.require("global_pool", .string("avg")) }
    }
    try readNormalization(preprocessing)
    input.interpolation = try preprocessing.interpolation
    input.cropFraction = try preprocessing.fraction("crop_pct")
    let fits: [String: InputDescription.Fit?] = [
      "center": nil, "squash": .squash, "border": .letterbox,
    ]
    input.fit = try preprocessing.choice("crop_mode", fits) ?? nil
    if case .array(let size) = preprocessing["input_size"] {
      guard size.count == 3, let height = size[1].integer, let width = size[2].integer,
        1...1 << 16 ~= height, 1...1 << 16 ~= width
      else { throw preprocessing.malformed("input_size", "[channels, height, width]") }
      input.size = Network.Extent(height, width)
    }
    input.origins.append(fields.file)
  }

  /// - Parameter factor: what the pixels of 0…1 are multiplied by before.
  private mutating func readNormalization(
    _ fields: Fields, _ prefix: String = "", factor: Double = 1
  ) throws(ImportError) {
    if let mean = try fields.channels(prefix + "mean") { input.mean = mean / factor }
    let std = try fields.channels(prefix + "std", isPositive: true)
    if let std { input.std = std / factor }
  }

  /// Reads what image processors of transformers are made of.
  private mutating func readHuggingFace(_ fields: Fields) throws(ImportError) {
    // The pixels' factor times 255, so that mean and deviation are for values of 0…1.
    var factor = 255.0
    if fields["do_rescale"] != .bool(false) {
      factor = try fields.number("rescale_factor").map { $0 * 255 } ?? 1
      guard factor > 0 else { throw fields.malformed("rescale_factor", "a number above 0") }
    }
    if fields["do_normalize"] == .bool(false) {
      (input.mean, input.std) = (SIMD3(repeating: 0), SIMD3(repeating: 1 / factor))
    } else {
      try readNormalization(fields, "image_", factor: factor)
    }
    if fields["do_flip_channel_order"] == .bool(true) { input.channelOrder = .bgr }
    if let filter = try fields.number("resample") {
      let filters: [Double: InputDescription.Interpolation] = [
        0: .nearest, 1: .lanczos, 2: .bilinear, 3: .bicubic, 4: .box,
      ]
      input.interpolation = filters[filter]
      if input.interpolation == nil {
        throw fields.malformed("resample", "a number of Pillow from 0 to 4")
      }
    }
    input.centring = .down
    input.origins.append(fields.file)
    if fields["do_resize"] == .bool(false) { return }
    let crop = fields["do_center_crop"] == .bool(false) ? nil : try fields.size("crop_size")
    guard let size = try fields.size("size") else { return }
    input.size = Network.Extent(size.side)
    let kind =
      fields["image_processor_type"].string ?? fields["feature_extractor_type"].string ?? ""
    if size.isShorterSide, fields["crop_pct"] != .null || kind.hasPrefix("ConvNext") {
      // Those of ConvNext crop what is smaller than 384, and squash what is not.
      if size.side < 384 {
        let fraction = try fields.fraction("crop_pct") ?? 0.875
        input.cropFraction = fraction
        input.resizedSide = Int(Double(size.side) / fraction)
      } else {
        input.fit = .squash
      }
    } else if size.isShorterSide {
      input.resizedSide = size.side
      input.size = Network.Extent(crop?.side ?? size.side)
    } else {
      guard crop == nil || crop?.side == size.side else {
        throw fields.malformed("crop_size", "the size \(size.side) that photos are resized to")
      }
      input.fit = .squash
    }
  }

  /// Reads a list of stages, each with a type.
  private mutating func readStages(_ fields: Fields) throws(ImportError) {
    let lists = [fields.value, fields["stages"], fields["test"], fields["val"]]
    guard let list = lists.lazy.compactMap(\.items).first else {
      throw fields.malformed("stages", "a list of stages")
    }
    for item in list {
      let stage = Fields(file: fields.file, value: item)
      switch stage["type"].string {
      case "resize":
        guard let size = try stage.size("size") else { break }
        input.interpolation = try stage.interpolation ?? input.interpolation
        input.size = Network.Extent(size.side)
        if size.isShorterSide { input.resizedSide = size.side } else { input.fit = .squash }
      case "center_crop":
        guard let size = try stage.size("size") else { break }
        // A square that is cut out of a squashed photo keeps less of it.
        if input.fit == .squash, let whole = input.size?.height, whole != size.side {
          throw stage.malformed("size", "\(whole), to which photos are squashed")
        }
        input.size = Network.Extent(size.side)
      case "pad_to_size":
        guard let size = try stage.size("size") else { break }
        (input.size, input.fit) = (Network.Extent(size.side), .letterbox)
        input.interpolation = try stage.interpolation ?? input.interpolation
      case "normalize":
        try readNormalization(stage)
      case "to_tensor", "maybe_to_tensor", "convert_rgb", "convert_image": break
      default:
        throw stage.malformed(
          "type", "resize, center_crop, pad_to_size, to_tensor or normalize")
      }
    }
    input.origins.append(fields.file)
  }
}

extension JSONValue {
  var string: String? { if case .string(let value) = self { value } else { nil } }
  var number: Double? { if case .number(let value) = self { value } else { nil } }
  var integer: Int? { number.flatMap { Int(exactly: $0) } }
  var items: [JSONValue]? { if case .array(let values) = self { values } else { nil } }

  /// What it is, for errors.
  var shown: String {
    switch self {
    case .null: "nothing"
    case .bool(let value): "\(value)"
    case .number(let value): integer.map { "\($0)" } ?? "\(value)"
    case .string(let value): quoted(value)
    case .array(let items): "a list of \(items.count)"
    case .object: "an object"
    }
  }
}

/// The fields of an object in a configuration file.
private struct Fields {
  let file: String
  let value: JSONValue

  subscript(name: String) -> JSONValue {
    if case .object(let fields) = value { fields[name] ?? .null } else { .null }
  }

  func object(_ name: String) -> Fields? {
    if case .object = self[name] { Fields(file: file, value: self[name]) } else { nil }
  }

  func malformed(_ name: String, _ expected: String) -> ImportError {
    .malformed(part: file, offset: 0, expected: "\(expected) as \(name)", found: self[name].shown)
  }

  /// Checks a field by which a network differs from a ResNet without a trace in its tensors.
  func require(_ name: String, _ expected: JSONValue) throws(ImportError) {
    guard [expected.shown, JSONValue.null.shown].contains(self[name].shown.lowercased()) else {
      throw malformed(name, expected.shown)
    }
  }

  func number(_ name: String) throws(ImportError) -> Double? {
    if self[name] == .null { return nil }
    guard let value = self[name].number, value.isFinite else { throw malformed(name, "a number") }
    return value
  }

  func fraction(_ name: String) throws(ImportError) -> Double? {
    guard let value = try number(name) else { return nil }
    guard value > 0.01, value <= 1 else { throw malformed(name, "a number from 0.01 to 1") }
    return value
  }

  /// A number for each of three channels, or one for all.
  func channels(_ name: String, isPositive: Bool = false) throws(ImportError) -> SIMD3<Double>? {
    if self[name] == .null { return nil }
    let items = self[name].items ?? [self[name]]
    let values = items.compactMap(\.number).filter { $0.isFinite && (!isPositive || $0 > 0) }
    guard values.count == items.count, [1, 3].contains(values.count) else {
      throw malformed(name, isPositive ? "3 numbers above 0" : "3 numbers")
    }
    return values.count == 1 ? SIMD3(repeating: values[0]) : SIMD3(values)
  }

  /// What a word stands for, in any case of its letters.
  func choice<Value>(_ name: String, _ values: [String: Value]) throws(ImportError) -> Value? {
    if self[name] == .null { return nil }
    guard let found = self[name].string.flatMap({ values[$0.lowercased()] }) else {
      throw malformed(name, "one of \(values.keys.sorted().joined(separator: ", "))")
    }
    return found
  }

  /// Timm's, by which its networks have dilation.
  var outputStride: Int? {
    get throws(ImportError) {
      guard let stride = try number("output_stride") else { return nil }
      guard [8, 16, 32].contains(stride) else { throw malformed("output_stride", "8, 16 or 32") }
      return Int(stride)
    }
  }

  var interpolation: InputDescription.Interpolation? {
    get throws(ImportError) {
      let known = InputDescription.Interpolation.allCases.map { ($0.rawValue, $0) }
      return try choice("interpolation", Dictionary(uniqueKeysWithValues: known))
    }
  }

  /// The pixels of a square's side, or of a photo's shorter side: a number or `shortest_edge`.
  func size(_ name: String) throws(ImportError) -> (side: Int, isShorterSide: Bool)? {
    if self[name] == .null { return nil }
    var sides = self[name].items ?? [self[name]]
    if let object = object(name) {
      let edge = object["shortest_edge"]
      sides = edge == .null ? [object["height"], object["width"]] : [edge]
    }
    let numbers = Set(sides.map(\.integer))
    guard 1...2 ~= sides.count, numbers.count == 1, let side = numbers.first ?? nil,
      1...1 << 16 ~= side
    else { throw malformed(name, "a number of pixels or a square") }
    return (side, sides.count == 1)
  }
}
