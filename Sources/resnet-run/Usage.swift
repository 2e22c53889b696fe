// SPDX-License-Identifier: Apache-2.0

import ResNetBoardTool

let tool = Tool(
  name: "resnet-run",
  help:
    """
    usage: resnet-run MODEL.plan IMAGE... [--top N] [--json] [--features FILE.f32] [--logits FILE.f32]
                                          [--probabilities FILE.f32] [--output NAME=FILE.npy]...
                                          [--output-dir DIR] [--output-format NAME]
                                          [--output-layout NAME] [SESSION OPTIONS]
           resnet-run MODEL.plan --evaluate DIR [--json] [SESSION OPTIONS]
           resnet-run MODEL.plan --raw FORMAT FILE|- [--every N] [--latest] [--matrix NAME]
                                          [--range NAME] [--stride BYTES] [--top N] [--save DIR] [SESSION OPTIONS]
           resnet-run --help | --version

    Tells what is on photos, JPEG or PNG, with a plan made by resnet-quantize. IMAGE may be - for
    standard input, or a pipe; one with a name gets 10 seconds for its writer to come.

      --top N              how many classes to print for each image (default 5)
      --json               one JSON object a line for each image: file, top (index, label,
                           probability), inference_ms, input_ms, and unknown if the plan tells what is
                           none of its classes; labels as the plan has them
                           (otherwise without a leading synset such as n01440764)
      --features FILE.f32  writes the pooled features of all images, in order: float32, little-endian
      --logits FILE.f32    the same for the logits
      --probabilities FILE.f32  the same for the probabilities
      --output NAME=FILE.npy  writes an output of the plan, such as layer3, for all images: an array of
                           images × channels × height × width for NumPy; resnet-quantize --outputs makes
                           such plans and inspect lists their outputs. May be repeated
      --output-dir DIR     writes every output to DIR/NAME.npy
      --output-format NAME float32 (default) or uint8: the bytes of an int8 plan, of which inspect tells
                           scale and zero point
      --output-layout NAME nchw (default) or nhwc: images × height × width × channels
      --evaluate DIR       classifies the JPEG and PNG files DIR/CLASS/* and prints the fractions of
                           images whose class came first and among the first five. Folders are named
                           like a class of the plan, like the first word of its name or as printed; if
                           none is, the sorted folders stand for the classes, if they are as many. Several
                           threads read and classify four photos each at a time; times are then those
                           of all of them, for each photo
      --raw FORMAT         classifies frames of a camera from a file, a pipe or, with -, standard input:
                           WxH:yuv420, yuv422, nv12, nv21, yuyv, yvyu, uyvy, gray8, rgb24 or bgr24; y4m,
                           which tells all of it; or mjpeg, JPEG images. One JSON object a line for each
                           frame: frame (from 0), index, label, probability, with --top also top,
                           inference_ms, input_ms, dropped (frames since the line before)
      --every N            classifies every Nth frame
      --save DIR           writes each frame that is classified to DIR as a JPEG file: photos to teach a
                           class with, see resnet-teach
      --latest             drops frames rather than lag behind: always takes the newest
      --matrix NAME        bt601 (default) or bt709: how yuv became of RGB
      --range NAME         full (default for yuv420, as rpicam-vid writes it, and gray8) or limited (for
                           the others, as webcams do)
      --stride BYTES       from row to row of the frame, if rows are padded; with a comma and another
                           number, also of the planes of U and V. Of a file it is found if it is certain

    session options, which change time and memory and no result:
      --isa NAME           highest instruction-set level to use, such as ref (default: the level in
                           the environment variable RN_ISA, else the best of this CPU)
      --threads N          1 to 64 (default: the fast cores this process may use)
      --cpus LIST          one thread on each of these CPUs, such as 4-7 or 0,2
      --memory MB          what plan and session may take together (default: no limit)
      --load               read the plan into memory instead of mapping its file
      --tuning FILE        takes the forms of int8 convolutions from FILE or, if there is none, measures
                           them and writes it: for the same plan, CPU and threads
      --no-tuning          direct sums. Without either, frames, --evaluate and 64 images or more are
                           tuned at the start, which takes as long as some ten inferences
      --verbose            lists the kernels, the weights made for them and the times on standard error

      --                   what follows are files, even if it starts with a dash

    Frames end with the stream, SIGINT or SIGTERM, and exit status 0; an incomplete last frame is
    reported on standard error and not classified. A stream without a whole frame is a failure.

    A damaged JPEG image of a stream is left out. An image that cannot be read gets one line on
    standard error, the others are still processed, and the exit status is 1; the .f32 and .npy files
    are then not written. The time "input" is decoding and resizing; the first inference also reads the weights
    from the file. Exit status: 0 done, 1 something failed, 2 wrong usage.

    examples:
      resnet-run resnet18.plan photo.jpg
      resnet-run resnet18.plan *.jpg --top 1 --json
      resnet-run resnet18.plan *.jpg --features vectors.f32
      resnet-run backbone.plan *.jpg --output layer2=layer2.npy --output layer3=layer3.npy
      resnet-run resnet18.plan --evaluate validation/ --threads 2
      resnet-run resnet18.plan photo.jpg --memory 64 --tuning resnet18.tuning
      rpicam-vid -n -t 20000 --codec yuv420 --width 640 --height 480 -o - |
        resnet-run resnet18.plan --raw 640x480:yuv420 --every 10 --save bins/full -
      rpicam-vid -n -t 0 --codec yuv420 --width 640 --height 480 -o - |
        resnet-run resnet18.plan --raw 640x480:yuv420 --latest -

    """)
