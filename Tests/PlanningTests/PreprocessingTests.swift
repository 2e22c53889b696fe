// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
import ResNetPlanFormat
import ResNetPlanning
import Testing

@Suite struct PreprocessingTests {
  private func input(_ set: (inout InputDescription) -> Void) -> InputDescription {
    var input = InputDescription()
    set(&input)
    return input
  }

  /// What timm writes beside its checkpoints.
  private var timm: InputDescription {
    input {
      $0.size = 96
      ($0.mean, $0.std) = (SIMD3(0.5, 0.4, 0.3), SIMD3(0.25, 0.2, 0.125))
      ($0.interpolation, $0.cropFraction) = (.bicubic, 0.95)
      $0.origins = ["config.json"]
    }
  }

  @Test func nothingSaidIsTorchvision() throws {
    let found = try Preprocessing()
    #expect(found.record == .imageNet(crop: 224))
    #expect(found.origin == "assumed torchvision's" && found.isAssumed && !found.isAsked)
    let small = try Preprocessing(asked: input { $0.size = 96 })
    #expect(small.record == .imageNet(crop: 96))
    let named = try Preprocessing(asked: input { $0.size = 96 }, preset: .torchvision)
    #expect(named.record == small.record && named.isAsked && !named.isAssumed)
  }

  @Test func presetsHaveTheSidesOfTheirLibraries() throws {
    let sides: [PreprocessingPreset: ImageSize] = [
      .torchvision: 256, .torchvisionV2: 232, .timm: 235, .huggingFace: 256, .clip: 224,
      .caffe: 256, .keras: 224, .half: 256, .unit: 256, .bytes: 256,
    ]
    for preset in PreprocessingPreset.allCases {
      let record = try Preprocessing(preset: preset).record
      #expect(record.resize == sides[preset] && record.crop == 224, "\(preset)")
      #expect(record.centring == (preset == .huggingFace ? .down : .halfToEven), "\(preset)")
      #expect(record.fit == (preset == .keras ? .squash : .crop), "\(preset)")
    }
  }

  @Test func filesComeBeforeAssumptionsAndOptionsBeforeFiles() throws {
    let files = try Preprocessing(found: timm)
    #expect(files.origin == "from config.json" && !files.isAssumed && !files.isAsked)
    #expect(files.record.crop == 96 && files.record.resize == 101)
    #expect(files.record.interpolation == .bicubic && files.record.mean == SIMD3(0.5, 0.4, 0.3))

    let changed = try Preprocessing(
      asked: input { ($0.size, $0.interpolation) = (128, .box) }, found: timm)
    #expect(changed.record.crop == 128 && changed.record.resize == 134)
    #expect(changed.record.interpolation == .box && changed.record.std == SIMD3(0.25, 0.2, 0.125))
    #expect(
      changed.origin == "mean and std, fit from config.json; interpolation as asked for")

    let preset = try Preprocessing(preset: .half, found: timm)
    #expect(preset.record.mean == SIMD3(repeating: 0.5) && preset.record.resize == 110)
    #expect(preset.isAsked)

    var graph = InputDescription()
    (graph.mean, graph.std) = (SIMD3(0, 0, 0), SIMD3(1, 1, 1))
    graph.origins = ["the nodes before it"]
    #expect(
      try Preprocessing(found: graph).origin
        == "mean and std from the nodes before it; interpolation, fit assumed torchvision's")
  }

  @Test func huggingFacesProcessorRoundsDown() throws {
    var found = timm
    (found.cropFraction, found.resizedSide) = (nil, 110)
    found.centring = .down
    let record = try Preprocessing(found: found).record
    #expect(record.centring == .down && record.resize == 110)
    // The side belongs to images of 96 pixels.
    let larger = try Preprocessing(asked: input { $0.size = 192 }, found: found)
    #expect(larger.record.resize == 220)
    // A preset goes before the files, and an option before the preset.
    #expect(try Preprocessing(preset: .timm, found: found).record.centring == .halfToEven)
    let asked = try Preprocessing(asked: input { $0.centring = .down }, preset: .timm)
    #expect(asked.record.centring == .down && asked.record.resize == 235)
  }

  @Test func meanAndStdAreInTheNetworksOrder() throws {
    let asked = input {
      ($0.mean, $0.std) = (SIMD3(0.1, 0.2, 0.3), SIMD3(1, 2, 3))
      $0.channelOrder = .bgr
    }
    let found = try Preprocessing(asked: asked)
    #expect(found.isBGR)
    #expect(found.record.mean == SIMD3(0.3, 0.2, 0.1) && found.record.std == SIMD3(3, 2, 1))
    #expect(try !Preprocessing(found: timm).isBGR)
  }

  @Test func greyNetworksHaveOneMean() throws {
    let grey = input { $0.isGrey = true }
    let record = try Preprocessing(asked: input { $0.channelOrder = .bgr }, found: grey)
    #expect(record.record.colors == .grey && !record.isBGR)
    #expect(record.record.mean == SIMD3(repeating: 0.449))
    #expect(record.record.std == SIMD3(repeating: 0.226))
    #expect(throws: PreprocessingError.grey) {
      try Preprocessing(preset: .torchvision, found: grey)
    }
    #expect(try Preprocessing(preset: .half, found: grey).record.mean == SIMD3(repeating: 0.5))
  }

  @Test func squashingAndLetterboxesKeepTheWholePhoto() throws {
    let squash = try Preprocessing(asked: input { $0.fit = .squash }).record
    #expect(squash.fit == .squash && squash.resize == 224)
    let cut = try Preprocessing(asked: input { ($0.fit, $0.cropFraction) = (.squash, 0.875) })
    #expect(cut.record.resize == 256)
    var found = timm
    found.fit = .letterbox
    let box = try Preprocessing(found: found).record
    #expect(box.fit == .letterbox && box.resize == 96)
    #expect(throws: PreprocessingError.letterbox) {
      try Preprocessing(asked: self.input { ($0.fit, $0.resizedSide) = (.letterbox, 256) })
    }
  }

  @Test func sizesThatCannotBeAreRefused() throws {
    func error(
      fixed: Bool = false, asked: InputDescription = InputDescription(),
      _ set: (inout InputDescription) -> Void
    ) -> PreprocessingError? {
      do throws(PreprocessingError) {
        var found = input(set)
        found.isSizeFixed = fixed
        _ = try Preprocessing(asked: asked, found: found)
        return nil
      } catch { return error }
    }
    #expect(error { $0.size = .init(224, 1 << 40) } == .inputSize(found: .init(224, 1 << 40)))
    #expect(error { $0.size = -1 } == .inputSize(found: -1))
    let large = input { $0.size = 224 }
    #expect(error(asked: large) { $0.size = 96 } == nil)
    #expect(error(fixed: true, asked: large) { $0.size = 224 } == nil)
    #expect(
      error(fixed: true, asked: large) { $0.size = 96 } == .fixedSize(asked: 224, found: 96))
    #expect(error { $0.resizedSide = 200 } == .resize(inputSize: 224, found: 200))
    #expect(error { $0.resizedSide = .max } == .resize(inputSize: 224, found: .max))
    #expect(error(asked: large) { ($0.size, $0.resizedSide) = (96, 0) } != nil)
    for fraction in [0, -1, 1.5, .nan, .infinity] {
      guard case .cropFraction = error({ $0.cropFraction = fraction }) else {
        Issue.record("\(fraction)")
        continue
      }
    }
    #expect(error { $0.cropFraction = 1e-300 } != nil)
    for std in [0, -1, .nan, .infinity, 1e-60] {
      guard case .normalization = error({ $0.std = SIMD3(1, 1, std) }) else {
        Issue.record("\(std)")
        continue
      }
    }
    #expect(error { $0.mean = SIMD3(0, .nan, 0) } != nil)
  }

  @Test func int8PadsWithBytes() throws {
    try Preprocessing(preset: .caffe).checkPadding()
    #expect(throws: PreprocessingError.padding(found: -0.5)) {
      try Preprocessing(
        asked: self.input { ($0.mean, $0.std) = (SIMD3(0, -0.5, 0), SIMD3(1, 1, 1)) }
      ).checkPadding()
    }
  }
}
