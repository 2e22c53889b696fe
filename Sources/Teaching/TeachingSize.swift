// SPDX-License-Identifier: Apache-2.0

/// How much a head is taught with: what its memory depends on.
public struct TeachingSize: Equatable, Sendable {
  /// The most photos, 2…1,000,000.
  public var photos: Int
  /// Vectors of features for each photo: 1, or 2 with its mirror image.
  public var views: Int
  /// Numbers in a vector of features, 1…65,536.
  public var features: Int
  /// The number of classes, 2…4096.
  public var classes: Int
  /// Whether a rule for strangers is to be found: photos that show none of the classes.
  public var findsStrangers: Bool

  /// The most photos and classes that can be taught.
  public static var mostPhotos: Int { 1_000_000 }
  public static var mostClasses: Int { 4096 }
  /// The most bytes of a name, as of files: those of all photos that there may be, kept and new, are less than 4 GiB.
  public static var mostNameBytes: Int { 255 }
  /// The greatest magnitude of a feature: squares of such, summed over all rows, stay within float32.
  public static var greatestFeature: Float { 1e15 }

  public init(
    photos: Int, views: Int = 1, features: Int, classes: Int, findsStrangers: Bool = false
  ) {
    self.photos = photos
    self.views = views
    self.features = features
    self.classes = classes
    self.findsStrangers = findsStrangers
  }

  /// Vectors of features.
  var rows: Int { photos * views }
  /// Lanes of a row of logits: classes in whole blocks.
  var lanes: Int { (classes + 3) / 4 * 4 }
  /// The most coordinates of a row.
  var rank: Int { min(rows, features) }
  /// Whether rows get coordinates of their own, because they are fewer than features.
  var isReduced: Bool { rows < features }
  /// The most folds of a cross-validation.
  var folds: Int { max(min(photos, Folds.leaveOneOutLimit), Folds.most) }
  /// The numbers that a fit finds: weights and biases.
  var parameters: Int { (rank + 1) * lanes }

  /// Checks the numbers of classes and photos.
  package func check() throws(TeachingError) {
    guard 2...TeachingSize.mostClasses ~= classes else { throw .classCount(classes) }
    guard 2...TeachingSize.mostPhotos ~= photos else { throw .photoCount(photos) }
    precondition(1...2 ~= views && 1...65536 ~= features, "1 or 2 views and 1 to 65536 features")
  }
}

/// Where everything lies in the block of memory, as offsets in bytes.
struct TeachingLayout {
  let features, labels, rowLabels, rows, folds, classCounts, means, norms: Int
  let coordinates, pivots, remainders, logits: Int
  let current, best, foldParameters, solver, dual, sums: Int
  let verdicts, weights, bias, classMeans, similarities, scores: Int
  private(set) var byteCount = 0

  init(_ size: TeachingSize) {
    var end = 0
    func place<Element>(_ count: Int, _: Element.Type) -> Int {
      let offset = end
      end += (count * MemoryLayout<Element>.stride + 63) / 64 * 64
      return offset
    }
    let (rows, lanes) = (size.rows, size.lanes)
    features = place(rows * size.features, Float.self)
    labels = place(size.photos, UInt32.self)
    rowLabels = place(rows, UInt32.self)
    self.rows = place(rows, UInt32.self)
    folds = place(size.photos, UInt32.self)
    classCounts = place(2 * size.classes, Int.self)
    means = place(size.features, Double.self)
    norms = place(size.rank + 1, Float.self)
    coordinates = size.isReduced ? place(rows * size.rank, Float.self) : features
    pivots = place(size.isReduced ? size.rank : 0, UInt32.self)
    remainders = place(size.isReduced ? rows : 0, Double.self)
    logits = place(rows * lanes, Float.self)
    current = place(size.photos * lanes, Float.self)
    best = place(size.photos * lanes, Float.self)
    foldParameters = place(size.folds * size.parameters, Float.self)
    solver = place(HeadSolver.vectorCount * size.parameters, Float.self)
    dual = place(size.isReduced ? size.rank * size.classes : 0, Double.self)
    sums = place(size.features, Double.self)
    verdicts = place(size.photos, Verdict.self)
    weights = place(size.classes * size.features, Float.self)
    bias = place(size.classes, Float.self)
    let strangers = size.findsStrangers ? 1 : 0
    classMeans = place(strangers * size.classes * size.features, Float.self)
    similarities = place(strangers * size.photos * size.classes, Float.self)
    scores = place(strangers * 4 * size.photos, Double.self)
    byteCount = end
  }
}
