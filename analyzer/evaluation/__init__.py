"""Models answer the user's data; what they got right, and how long it took.

    spec = describe_spec("digits.npz")                                  # dataset: the user's data, brought to one form
    dataset = gather(spec, interface(model, signature), scratch)        # ports: names, types and shapes of a model
    with Evaluating(dataset, parse_metric("top-1"), scratch) as e:      # runner: in a child process, however it ends
        evaluation = e.evaluate(path, subject="int8")
    trial = try_model(path)                                             # trial: does it run at all

In the child: `gathering` (the user's functions), `program` (one signature in the interpreter), `samples`, `predicting`
(batches where they are proven), `trying`. On both sides: `npz`, `metrics`, `requests`. TensorFlow is imported only to
read a folder of `tf.data.Dataset.save`.
"""
