// The operator SoftThreshold of model.py: what lies within the threshold becomes 0, the rest comes nearer to 0 by it.
//
//     c++ -O2 -shared -fPIC -o libsoft_threshold.so soft_threshold.cc
//
// An application that links TensorFlow Lite registers it: resolver.AddCustom("SoftThreshold", Register_SOFT_THRESHOLD()).
// The interpreters of the Python packages take an operator from a library in the form of a delegate, below.

#include <cmath>
#include <cstdlib>
#include <cstring>

#include "tflite_c.h"

namespace {

constexpr char kName[] = "SoftThreshold";

TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  if (node->inputs->size != 2 || node->outputs->size != 1) {
    context->ReportError(context, "%s takes two inputs and gives one output", kName);
    return kTfLiteError;
  }
  const TfLiteTensor& x = context->tensors[node->inputs->data[0]];
  const TfLiteTensor& threshold = context->tensors[node->inputs->data[1]];
  if (x.type != kTfLiteFloat32 || threshold.type != kTfLiteFloat32 || threshold.bytes != sizeof(float)) {
    context->ReportError(context, "%s takes float32, and a threshold of one number", kName);
    return kTfLiteError;
  }
  const size_t bytes = sizeof(int) * (x.dims->size + 1);
  auto* shape = static_cast<TfLiteIntArray*>(std::malloc(bytes));
  std::memcpy(shape, x.dims, bytes);
  return context->ResizeTensor(context, &context->tensors[node->outputs->data[0]], shape);
}

TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  const TfLiteTensor& x = context->tensors[node->inputs->data[0]];
  const float threshold = *static_cast<const float*>(context->tensors[node->inputs->data[1]].data);
  const auto* from = static_cast<const float*>(x.data);
  auto* to = static_cast<float*>(context->tensors[node->outputs->data[0]].data);
  for (size_t i = 0; i < x.bytes / sizeof(float); ++i) {
    to[i] = std::copysign(std::fmax(std::fabs(from[i]) - threshold, 0.0f), from[i]);
  }
  return kTfLiteOk;
}

// The rest brings the operator to an interpreter that was built without it, and stays the same for any other one.

struct Nodes {
  int count;
  TfLiteNode** nodes;
};

void* TakeOver(TfLiteContext* context, const char* buffer, size_t) {
  const TfLiteIntArray* taken = reinterpret_cast<const TfLiteDelegateParams*>(buffer)->nodes_to_replace;
  auto* found = new Nodes{taken->size, new TfLiteNode*[taken->size]};
  for (int i = 0; i < taken->size; ++i) {
    TfLiteRegistration* registration;
    context->GetNodeAndRegistration(context, taken->data[i], &found->nodes[i], &registration);
  }
  return found;
}

void Release(TfLiteContext*, void* buffer) {
  auto* found = static_cast<Nodes*>(buffer);
  delete[] found->nodes;
  delete found;
}

template <TfLiteStatus (*kStep)(TfLiteContext*, TfLiteNode*)>
TfLiteStatus ForEach(TfLiteContext* context, TfLiteNode* node) {
  const auto* found = static_cast<const Nodes*>(node->user_data);
  for (int i = 0; i < found->count; ++i) {
    if (kStep(context, found->nodes[i]) != kTfLiteOk) return kTfLiteError;
  }
  return kTfLiteOk;
}

TfLiteStatus ReplaceNodes(TfLiteContext* context, TfLiteDelegate* delegate) {
  TfLiteIntArray* plan;
  if (context->GetExecutionPlan(context, &plan) != kTfLiteOk) return kTfLiteError;
  auto* ours = static_cast<TfLiteIntArray*>(std::malloc(sizeof(int) * (plan->size + 1)));
  const int size = plan->size;
  ours->size = 0;
  for (int i = 0; i < size; ++i) {
    TfLiteNode* node;
    TfLiteRegistration* registration;
    context->GetNodeAndRegistration(context, plan->data[i], &node, &registration);
    if (registration->custom_name && std::strcmp(registration->custom_name, kName) == 0) {
      ours->data[ours->size++] = plan->data[i];
    }
  }
  TfLiteRegistration kernel = {TakeOver, Release, ForEach<Prepare>, ForEach<Invoke>};
  kernel.custom_name = kName;
  kernel.version = 1;
  const TfLiteStatus status = context->ReplaceNodeSubsetsWithDelegateKernels(context, kernel, ours, delegate);
  std::free(ours);
  return status;
}

}  // namespace

extern "C" {

TfLiteRegistration* Register_SOFT_THRESHOLD() {
  static TfLiteRegistration registration = {nullptr, nullptr, Prepare, Invoke};
  return &registration;
}

TfLiteDelegate* tflite_plugin_create_delegate(const char* const*, const char* const*, size_t, void (*)(const char*)) {
  auto* delegate = new TfLiteDelegate{};
  delegate->Prepare = ReplaceNodes;
  delegate->flags = kTfLiteDelegateFlagsAllowDynamicTensors;  // so that no one prepares the nodes before they are ours
  return delegate;
}

void tflite_plugin_destroy_delegate(TfLiteDelegate* delegate) { delete delegate; }

}  // extern "C"
