// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetPlatform
import ResNetTeaching

/// The photos of a file of features, if there are any.
struct KeptPhotos: ~Copyable {
  /// What is in the file; nil if there is none.
  let features: FeatureFile?

  // In memory of its own: what was validated does not change.
  private let file: MappedFile?

  private init() {
    features = nil
    file = nil
  }

  private init(_ file: consuming MappedFile, _ features: FeatureFile) {
    self.features = features
    self.file = .some(file)
  }

  // Embedded Swift destroys the parts of a value of another module only through a deinit of its own.
  deinit {}

  /// Reads the file at `path`; it may not be there yet.
  static func read(
    _ path: UnsafePointer<CChar>?, _ network: FeatureFile.Fingerprint, features count: Int,
    views: Int
  ) throws(TeachFailure) -> KeptPhotos {
    guard let path else { return KeptPhotos() }
    let file: MappedFile
    do throws(FileError) {
      file = try MappedFile(path: path, isLoaded: true)
    } catch {
      if case .system(ENOENT) = error { return KeptPhotos() }
      throw .featureFile(path, error)
    }
    let features: FeatureFile
    do throws(FeatureFileError) {
      features = try FeatureFile(validating: file.bytes, network, features: count, views: views)
    } catch {
      throw .features(path, error)
    }
    return KeptPhotos(file, features)
  }
}
