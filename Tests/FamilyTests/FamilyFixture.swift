// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What another implementation computes of a network of the ResNet family, and the weights and
/// images that it computes it of.
///
/// `Fixtures/make_family.py` writes the files, and tells their format and the formula of weights and
/// images.
struct FamilyFixture {
  /// An output, or some of its elements.
  struct Output {
    /// `layer1` to `layer4`, `features`, and `logits` or `embedding`.
    let name: String
    /// `[channels, rows, columns]`, or `[count]`.
    let shape: [Int]
    /// The elements are 0, `stride`, 2 · `stride`… in the order of the shape.
    let stride: Int
    /// The greatest magnitude of all elements.
    let magnitude: Float
    let values: [Float]

    /// Those of all elements of a result that `values` are to be compared with.
    func chosen(of all: [Float]) -> [Float] {
      Swift.stride(from: 0, to: all.count, by: stride).map { all[$0] }
    }
  }

  /// An image, and the outputs for it.
  struct Image {
    /// Which of the images of this size.
    let number: Int
    let height: Int
    let width: Int
    let outputs: [Output]

    /// RGB, `[row][column][channel]`.
    var bytes: [UInt8] { FamilyFixture.image(number: number, height: height, width: width) }

    /// The output of that name, if the network has it.
    func output(_ name: String) -> Output? { outputs.first { $0.name == name } }
  }

  /// That of the files.
  let name: String
  /// The package and the class that computed the outputs.
  let source: String
  /// What is subtracted of a byte by 255, for each channel.
  let mean: [Double]
  /// By what the rest is divided.
  let std: [Double]
  /// The tensors of the state dictionary in its order, without counters.
  let tensors: [(name: String, shape: [Int])]
  let images: [Image]

  static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(
    path: "Fixtures")

  /// The names of all fixtures.
  static let names: [String] = {
    let files = try! FileManager.default.contentsOfDirectory(atPath: folder.path)
    return files.filter { $0.hasSuffix(".txt") }.map { String($0.dropLast(4)) }.sorted()
  }()

  /// The network as an ONNX file, if there is one.
  ///
  /// - Parameter suffix: what follows the name, such as `-tf`.
  func onnx(_ suffix: String = "") -> URL? {
    let file = Self.folder.appending(path: "\(name)\(suffix).onnx")
    return FileManager.default.fileExists(atPath: file.path) ? file : nil
  }

  /// Reads the fixture `name`.
  ///
  /// - Throws: what the file system throws. A file that is not as the script writes it is a trap.
  init(_ name: String) throws {
    let file = Self.folder.appending(path: "\(name).txt")
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
    var fields: [Substring: Substring] = [:]
    var tensors: [(name: String, shape: [Int])] = []
    var images: [Image] = []
    var rest = lines[...]
    while let line = rest.popFirst() {
      let parts = line.split(separator: " ")
      switch parts[0] {
      case "tensor": tensors.append((String(parts[1]), parts[2...].map { Int($0)! }))
      case "image":
        var outputs: [Output] = []
        while rest.first?.hasPrefix("output ") == true {
          outputs.append(Output(rest.removeFirst(), values: rest.removeFirst()))
        }
        images.append(
          Image(
            number: Int(parts[1])!, height: Int(parts[2])!, width: Int(parts[3])!,
            outputs: outputs))
      default: fields[parts[0]] = line.dropFirst(parts[0].count + 1)
      }
    }
    self.name = String(fields["member"]!)
    source = String(fields["source"]!)
    mean = fields["mean"]!.split(separator: " ").map { Double($0)! }
    std = fields["std"]!.split(separator: " ").map { Double($0)! }
    self.tensors = tensors
    self.images = images
  }

  /// The values of one of the tensors.
  static func values(_ name: String, shape: [Int]) -> [Float] {
    var random = RandomBits(name)
    let fanIn = shape.dropFirst().reduce(1, *)
    let kind = name.split(separator: ".").suffix(2)
    return (0..<shape.reduce(1, *)).map { _ in
      let k = Int64(random.next() >> 40) - (1 << 23)
      if shape.count >= 2 {
        // The integers are exact in float64, and so is the floor of the root.
        let bound = Int64(Double((6 << 32) / Int64(fanIn)).squareRoot())
        return Float(Double(k * bound) * 0x1p-39)
      }
      let (center, radius): (Int64, Int64) =
        switch kind.last {
        case "weight" where kind.first == "prelu": (25, 15)
        case "weight", "running_var": (100, 50)
        default: (0, 30)
        }
      return Float(Double((center << 23) + radius * k) / Double(100 << 23))
    }
  }

  /// The bytes of an image: noise on blocks of noise. There are as many images as numbers.
  static func image(number: Int, height: Int, width: Int) -> [UInt8] {
    func bytes(_ kind: String, _ count: Int) -> [Int] {
      var random = RandomBits("image \(number) \(kind)")
      return (0..<count).map { _ in Int(random.next() >> 56) }
    }
    let columns = (width + 7) / 8
    let blocks = bytes("blocks", (height + 7) / 8 * columns * 3)
    let pixels = bytes("pixels", height * width * 3)
    return pixels.indices.map { index in
      let (y, x, channel) = (index / 3 / width, index / 3 % width, index % 3)
      return UInt8((3 * blocks[(y / 8 * columns + x / 8) * 3 + channel] + pixels[index]) >> 2)
    }
  }

  /// SplitMix64, started with FNV-1a of a name.
  private struct RandomBits {
    private var state: UInt64 = 0xcbf2_9ce4_8422_2325

    init(_ name: String) {
      for byte in name.utf8 { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }

    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
      return mixed ^ (mixed >> 31)
    }
  }
}

extension FamilyFixture.Output {
  fileprivate init(_ line: Substring, values: Substring) {
    let parts = line.split(separator: " ")
    name = String(parts[1])
    stride = Int(parts[2])!
    magnitude = Float(parts[3])!
    shape = parts[4...].map { Int($0)! }
    self.values = values.split(separator: " ").map { Float($0)! }
  }
}
