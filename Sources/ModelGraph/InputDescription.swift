// SPDX-License-Identifier: Apache-2.0

/// What the files of a model say about its input; nil is what they do not say.
public struct InputDescription: Equatable, Sendable {
  /// The order of the channels that the network takes.
  public enum ChannelOrder: String, Equatable, Sendable { case rgb, bgr }
  /// How photos are resized; the names are Pillow's.
  public enum Interpolation: String, Equatable, Sendable, CaseIterable {
    case bilinear, bicubic, nearest, lanczos, box
  }
  /// How a photo of other proportions is made one of the input's.
  public enum Fit: String, Equatable, Sendable, CaseIterable { case crop, squash, letterbox }
  /// Where a crop begins whose centre lies between two pixels: at the even one, as torchvision's and timm's, or at the
  /// first, as Hugging Face's.
  public enum Centring: String, Equatable, Sendable, CaseIterable { case even, down }

  /// Height and width of the image, in pixels.
  public var size: Network.Extent?
  /// Whether the network takes images of this size only.
  public var isSizeFixed = false
  /// For the channels in the network's order, of values 0…1.
  public var mean, std: SIMD3<Double>?
  public var channelOrder: ChannelOrder?
  /// Whether the network takes one channel: photos become grey.
  public var isGrey = false
  public var interpolation: Interpolation?
  /// The part of the resized photo's side that the crop keeps: timm's crop_pct.
  public var cropFraction: Double?
  /// Pixels of the photo's shorter side before the crop.
  public var resizedSide: Int?
  public var fit: Fit?
  public var centring: Centring?
  /// Where this was found, for people, such as `config.json`; nothing if nothing was found.
  public var origins: [String] = []
  public init() {}

  /// Takes over what another description says and this one does not. What the network's own graph says of values goes
  /// before: mean and deviation belong together.
  package mutating func complete(with other: InputDescription) {
    if other == InputDescription() { return }
    if size == nil { (size, isSizeFixed) = (other.size, other.isSizeFixed) }
    if mean == nil, std == nil { (mean, std) = (other.mean, other.std) }
    channelOrder = channelOrder ?? other.channelOrder
    interpolation = interpolation ?? other.interpolation
    cropFraction = cropFraction ?? other.cropFraction
    resizedSide = resizedSide ?? other.resizedSide
    fit = fit ?? other.fit
    centring = centring ?? other.centring
    origins += other.origins
  }
}
