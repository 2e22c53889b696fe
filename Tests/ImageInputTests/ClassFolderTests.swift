// SPDX-License-Identifier: Apache-2.0

import ResNetImages
import Testing

@Suite struct ClassFolderTests {
  private let names = ["n01 tench", "n02 great white shark", "dog", "n03 dog", "n03 cat"]

  @Test func foldersAreNamedLikeClassesOrTheirFirstWords() throws {
    let folders = ["dog", "n01", "n02 great white shark"]
    #expect(try matchFolders(folders, toClasses: names, count: 5) == [2, 0, 1])
  }

  @Test func aWordThatStartsTwoNamesIsNoClass() {
    #expect(throws: FolderMismatch.someNames(count: 1, folders: 2)) {
      try matchFolders(["n01", "n03"], toClasses: names, count: 5)
    }
  }

  @Test func aPartOfAWordIsNoClass() {
    #expect(throws: FolderMismatch.count(folders: 2, classes: 5)) {
      try matchFolders(["n0", "ten"], toClasses: names, count: 5)
    }
  }

  @Test func foldersMayBeNamedAsTheToolPrints() throws {
    let names = ["n03028079 church", "n00000001 church bell", "n02123045 tabby, tabby cat"]
    #expect(
      try matchFolders(["church", "church_bell", "tabby"], toClasses: names, count: 3) == [0, 1, 2])
    #expect(
      try matchFolders(["tabby, tabby cat", "n00000001"], toClasses: names, count: 3) == [2, 1])
    #expect(throws: FolderMismatch.someNames(count: 1, folders: 2)) {
      try matchFolders(
        ["crane", "dog"], toClasses: ["n02012849 crane", "n03126707 crane", "dog"], count: 3)
    }
  }

  @Test func asManyFoldersOfOtherNamesStandForTheClassesInOrder() throws {
    #expect(try matchFolders(["a", "b"], toClasses: ["x", "y"], count: 2) == [0, 1])
    #expect(try matchFolders(["a", "b", "c"], toClasses: [], count: 3) == [0, 1, 2])
    #expect(throws: FolderMismatch.count(folders: 1, classes: 3)) {
      try matchFolders(["a"], toClasses: [], count: 3)
    }
  }

  @Test(arguments: [
    ("a.jpg", true), ("A.JPEG", true), ("b.Png", true), ("b.jfif", true), ("b.JPE", true),
    ("c.gif", false), ("jpg", false), ("d.jpg.txt", false), ("", false), ("._a.jpg", false),
    (".hidden.png", false),
  ])
  func imagesAreToldByTheirNames(name: String, isImage: Bool) {
    var found = false
    if case .image = ImageName(name) { found = true }
    #expect(found == isImage)
  }

  @Test(arguments: ["a.webp", "b.HEIC", "c.tiff", "d.bmp"])
  func otherFormatsAreToldByTheirNames(name: String) throws {
    guard case .other(let format) = ImageName(name) else {
      Issue.record("\(name)")
      return
    }
    #expect(name.lowercased().hasSuffix(ImageName.suffix(format).description))
  }
}
