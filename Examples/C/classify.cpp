// SPDX-License-Identifier: Apache-2.0
// Tells what photos show: classify PLAN PHOTO...
//
//   c++ -std=c++17 classify.cpp $(pkg-config --cflags --libs resnet-runtime) -o classify
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <resnet_runtime.h>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

void check(resnet_status status) {
  if (status != RESNET_OK)
    throw std::runtime_error(resnet_error_text());
}

struct Close {
  void operator()(resnet_plan *plan) const { resnet_plan_close(plan); }
  void operator()(resnet_session *session) const { resnet_session_destroy(session); }
};

class Classifier {
public:
  explicit Classifier(const char *path) {
    resnet_plan *opened;
    check(resnet_plan_open(path, RESNET_MAP, &opened));
    plan.reset(opened);
    resnet_options options = RESNET_OPTIONS_INIT;
    // Pays for whoever has many photos.
    options.tuning = RESNET_TUNING_MEASURED;
    resnet_session *created;
    check(resnet_session_create(opened, &options, &created));
    session.reset(created);
  }

  // The name of the most probable class.
  std::string classify(const std::vector<char> &photo) {
    check(resnet_session_run_encoded(session.get(), photo.data(), photo.size()));
    size_t best = 0, count;
    check(resnet_session_get_top(session.get(), 1, &best, nullptr, &count));
    const char *name = resnet_plan_class_name(plan.get(), best);
    return name ? name : "class " + std::to_string(best);
  }

private:
  std::unique_ptr<resnet_plan, Close> plan;
  std::unique_ptr<resnet_session, Close> session;
};

} // namespace

int main(int argc, char **argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: classify PLAN PHOTO...\n");
    return 2;
  }
  try {
    Classifier classifier(argv[1]);
    for (int i = 2; i < argc; i++) {
      std::ifstream file(argv[i], std::ios::binary);
      std::vector<char> photo{std::istreambuf_iterator<char>(file), {}};
      std::printf("%s: %s\n", argv[i], classifier.classify(photo).c_str());
    }
  } catch (const std::exception &error) {
    std::fprintf(stderr, "classify: %s\n", error.what());
    return 1;
  }
}
