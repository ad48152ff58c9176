"""The names of TensorFlow's operators, and which of them Flex takes.

Asked of TensorFlow 2.21 itself: the operators of `tf.raw_ops`, and `tflite::flex::IsAllowlistedFlexOp` of each
(tensorflow/lite/delegates/flex/allowlisted_flex_ops.cc), without those that only training, input pipelines and
accelerators use. `tests/rules/custom_ops/test_tensorflow_ops.py` asks again.
"""

from __future__ import annotations


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


ALLOWED = _names("""
    Abort Abs Add AddN AddV2 AdjustContrast AdjustContrastv2 AdjustHue AdjustSaturation All Angle Any ApplyAdaMax
    ApplyAdadelta ApplyAdagrad ApplyAdagradDA ApplyAdagradV2 ApplyAdam ApplyAddSign ApplyCenteredRMSProp ApplyFtrl
    ApplyFtrlV2 ApplyGradientDescent ApplyMomentum ApplyPowerSign ApplyProximalAdagrad ApplyProximalGradientDescent
    ApplyRMSProp ApproximateEqual ArgMax ArgMin AsString Assert Assign AssignAdd AssignAddVariableOp AssignSub
    AssignSubVariableOp AssignVariableOp Atan Atan2 AudioSpectrogram AvgPool AvgPool3D AvgPool3DGrad AvgPoolGrad
    BatchCholesky BatchDatasetV2 BatchMatMul BatchMatMulV2 BatchMatrixBandPart BatchMatrixDeterminant BatchMatrixDiag
    BatchMatrixDiagPart BatchMatrixInverse BatchMatrixSetDiag BatchMatrixTriangularSolve
    BatchNormWithGlobalNormalization BatchNormWithGlobalNormalizationGrad BatchToSpace BatchToSpaceND BiasAdd
    BiasAddGrad BiasAddV1 Bincount Bitcast BitwiseAnd BitwiseOr BitwiseXor BroadcastArgs BroadcastGradientArgs
    BroadcastTo Bucketize CTCBeamSearchDecoder CTCGreedyDecoder Case Cast Ceil CheckNumerics CheckNumericsV2 Cholesky
    ClipByValue CombinedNonMaxSuppression Complex ComplexAbs Concat ConcatOffset ConcatV2 Conj ConjugateTranspose
    Const ControlTrigger Conv2D Conv2DBackpropFilter Conv2DBackpropInput Conv3D Conv3DBackpropFilter
    Conv3DBackpropFilterV2 Conv3DBackpropInput Conv3DBackpropInputV2 Cos Cosh CropAndResize CropAndResizeGradBoxes
    CropAndResizeGradImage Cumprod Cumsum CumulativeLogsumexp DataFormatDimMap DataFormatVecPermute
    DebugGradientIdentity DebugGradientRefIdentity DecodeAndCropJpeg DecodeBase64 DecodeBmp DecodeGif DecodeImage
    DecodeJpeg DecodePaddedRaw DecodePng DecodeRaw DecodeWav DeepCopy DeleteSessionTensor DenseBincount
    DenseToDenseSetOperation DenseToSparseSetOperation DepthToSpace DepthwiseConv2dNative
    DepthwiseConv2dNativeBackpropFilter DepthwiseConv2dNativeBackpropInput Dequantize DestroyResourceOp
    DestroyTemporaryVariable Diag DiagPart Dilation2D Dilation2DBackpropFilter Dilation2DBackpropInput Div DivNoNan
    DynamicPartition DynamicStitch Einsum Elu EluGrad Empty EmptyTensorList EmptyTensorMap EncodeBase64 EncodeJpeg
    EncodeJpegVariableQuality EncodePng EncodeWav EnsureShape Enter Equal Erf Exit Exp ExpandDims ExtractImagePatches
    FFT FFT2D FFT3D FIFOQueue FIFOQueueV2 FakeQuantWithMinMaxArgs FakeQuantWithMinMaxArgsGradient
    FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsGradient FakeQuantWithMinMaxVarsPerChannel
    FakeQuantWithMinMaxVarsPerChannelGradient FakeQueue Fill FilterDataset FinalizeDataset Fingerprint FlatMapDataset
    Floor FloorDiv FloorMod FusedBatchNorm FusedBatchNormGrad FusedBatchNormGradV2 FusedBatchNormGradV3
    FusedBatchNormV2 FusedBatchNormV3 FusedPadConv2D FusedResizeAndPadConv2D Gather GatherNd GatherV2 GetSessionHandle
    GetSessionHandleV2 GetSessionTensor Greater GreaterEqual HSVToRGB HashTable HashTableV2 HistogramSummary IFFT
    IFFT2D IFFT3D IRFFT IRFFT2D IRFFT3D Identity IdentityN Imag ImageProjectiveTransformV2 ImageProjectiveTransformV3
    ImmutableConst InTopK InTopKV2 InitializeTable InitializeTableFromDataset InitializeTableFromTextFile
    InitializeTableFromTextFileV2 InitializeTableV2 InplaceAdd InplaceSub InplaceUpdate Inv InvGrad Invert
    InvertPermutation IsFinite IsNan IsVariableInitialized LRN LeakyRelu LeakyReluGrad LeftShift Less LessEqual
    LinSpace ListDiff Log LogMatrixDeterminant LogSoftmax LogicalAnd LogicalNot LogicalOr LookupTableExport
    LookupTableExportV2 LookupTableFind LookupTableFindV2 LookupTableImport LookupTableImportV2 LookupTableInsert
    LookupTableInsertV2 LookupTableRemoveV2 LookupTableSize LookupTableSizeV2 LoopCond MapDataset MatMul
    MatrixBandPart MatrixDeterminant MatrixDiag MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2
    MatrixDiagV3 MatrixInverse MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3 MatrixTriangularSolve Max MaxPool
    MaxPool3D MaxPool3DGrad MaxPool3DGradGrad MaxPoolGrad MaxPoolGradGrad MaxPoolGradGradV2 MaxPoolGradV2
    MaxPoolGradWithArgmax MaxPoolV2 MaxPoolWithArgmax Maximum Mean Merge MergeSummary MergeV2Checkpoints Mfcc Min
    Minimum MirrorPad MirrorPadGrad ModelDataset Mul MulNoNan Multinomial MutableDenseHashTable
    MutableDenseHashTableV2 MutableHashTable MutableHashTableOfTensors MutableHashTableOfTensorsV2 MutableHashTableV2
    Neg NextIteration NoOp NonMaxSuppression NonMaxSuppressionV2 NonMaxSuppressionV3 NonMaxSuppressionV4
    NonMaxSuppressionV5 NonMaxSuppressionWithOverlaps NotEqual OneHot OnesLike OptimizeDatasetV2 OptionalFromValue
    OptionalGetValue OptionalHasValue OptionalNone Pack Pad PadV2 PaddingFIFOQueue PaddingFIFOQueueV2 ParallelConcat
    ParallelDynamicStitch ParseExample ParseExampleV2 ParseSequenceExample ParseSequenceExampleV2 ParseSingleExample
    ParseSingleSequenceExample Placeholder PlaceholderV2 PlaceholderWithDefault PopulationCount Pow PreventGradient
    Print PrintV2 Prod Qr QuantizeDownAndShrinkRange QuantizeV2 QuantizedAdd QuantizedAvgPool
    QuantizedBatchNormWithGlobalNormalization QuantizedBiasAdd QuantizedConcat QuantizedConv2D QuantizedInstanceNorm
    QuantizedMatMul QuantizedMaxPool QuantizedMul QuantizedRelu QuantizedRelu6 QuantizedReshape
    QuantizedResizeBilinear QueueClose QueueCloseV2 QueueDequeue QueueDequeueMany QueueDequeueManyV2 QueueDequeueUpTo
    QueueDequeueUpToV2 QueueDequeueV2 QueueEnqueue QueueEnqueueMany QueueEnqueueManyV2 QueueEnqueueV2 QueueIsClosed
    QueueIsClosedV2 QueueSize QueueSizeV2 RFFT RFFT2D RFFT3D RGBToHSV RaggedBincount RaggedGather RaggedRange
    RaggedTensorFromVariant RaggedTensorToSparse RaggedTensorToTensor RaggedTensorToVariant
    RaggedTensorToVariantGradient RandomGamma RandomPoisson RandomPoissonV2 RandomShuffle RandomStandardNormal
    RandomUniform RandomUniformInt Range Rank ReadFile ReadVariableOp Real RealDiv Reciprocal ReciprocalGrad Recv
    ReduceDataset ReduceJoin RefEnter RefExit RefIdentity RefMerge RefNextIteration RefSelect RefSwitch RegexFullMatch
    RegexReplace Relu Relu6 Relu6Grad ReluGrad RemoteCall RepeatDataset RequantizationRange Requantize Reshape
    ResizeBicubic ResizeBicubicGrad ResizeBilinear ResizeBilinearGrad ResizeNearestNeighbor ResizeNearestNeighborGrad
    ResourceApplyAdaMax ResourceApplyAdadelta ResourceApplyAdagrad ResourceApplyAdagradDA ResourceApplyAdagradV2
    ResourceApplyAdam ResourceApplyAdamWithAmsgrad ResourceApplyAddSign ResourceApplyCenteredRMSProp ResourceApplyFtrl
    ResourceApplyFtrlV2 ResourceApplyGradientDescent ResourceApplyKerasMomentum ResourceApplyMomentum
    ResourceApplyPowerSign ResourceApplyProximalAdagrad ResourceApplyProximalGradientDescent ResourceApplyRMSProp
    ResourceGather ResourceGatherNd ResourceScatterAdd ResourceScatterDiv ResourceScatterMax ResourceScatterMin
    ResourceScatterMul ResourceScatterNdAdd ResourceScatterNdMax ResourceScatterNdMin ResourceScatterNdSub
    ResourceScatterNdUpdate ResourceScatterSub ResourceScatterUpdate ResourceSparseApplyAdadelta
    ResourceSparseApplyAdagrad ResourceSparseApplyAdagradDA ResourceSparseApplyAdagradV2
    ResourceSparseApplyCenteredRMSProp ResourceSparseApplyFtrl ResourceSparseApplyFtrlV2
    ResourceSparseApplyKerasMomentum ResourceSparseApplyMomentum ResourceSparseApplyProximalAdagrad
    ResourceSparseApplyProximalGradientDescent ResourceSparseApplyRMSProp ResourceStridedSliceAssign Restore
    RestoreSlice RestoreV2 Reverse ReverseSequence ReverseV2 RightShift Roll Round Rsqrt RsqrtGrad
    SampleDistortedBoundingBox SampleDistortedBoundingBoxV2 Save SaveSlices SaveV2 ScalarSummary ScatterNd
    ScatterNdAdd ScatterNdMax ScatterNdMin ScatterNdNonAliasingAdd ScatterNdSub ScatterNdUpdate SegmentMax SegmentMean
    SegmentMin SegmentProd SegmentSum Select SelectV2 Selu SeluGrad Send SerializeTensor Shape ShapeN ShardedFilename
    ShardedFilespec Sigmoid SigmoidGrad Sign Sin Sinh Size Slice Softmax SoftmaxCrossEntropyWithLogits Softplus
    SoftplusGrad Softsign SoftsignGrad SpaceToBatch SpaceToBatchND SpaceToDepth SparseAdd SparseApplyAdadelta
    SparseApplyAdagrad SparseApplyAdagradDA SparseApplyAdagradV2 SparseApplyCenteredRMSProp SparseApplyFtrl
    SparseApplyFtrlV2 SparseApplyMomentum SparseApplyProximalAdagrad SparseApplyProximalGradientDescent
    SparseApplyRMSProp SparseBincount SparseCross SparseCrossHashed SparseCrossV2 SparseFillEmptyRows
    SparseFillEmptyRowsGrad SparseReduceSum SparseReorder SparseReshape SparseSegmentMean SparseSegmentMeanGrad
    SparseSegmentMeanWithNumSegments SparseSegmentSqrtN SparseSegmentSqrtNGrad SparseSegmentSqrtNWithNumSegments
    SparseSegmentSum SparseSegmentSumGrad SparseSegmentSumWithNumSegments SparseSlice
    SparseSoftmaxCrossEntropyWithLogits SparseTensorDenseMatMul SparseToDense SparseToSparseSetOperation Split SplitV
    Sqrt SqrtGrad Square SquaredDifference Squeeze Stack StackClose StackCloseV2 StackPop StackPopV2 StackPush
    StackPushV2 StackV2 StatelessMultinomial StatelessRandomGammaV2 StatelessRandomGammaV3 StatelessRandomGetAlg
    StatelessRandomGetKeyCounter StatelessRandomGetKeyCounterAlg StatelessRandomNormal StatelessRandomNormalV2
    StatelessRandomPoisson StatelessRandomUniform StatelessRandomUniformFullInt StatelessRandomUniformFullIntV2
    StatelessRandomUniformInt StatelessRandomUniformIntV2 StatelessRandomUniformV2 StatelessSampleDistortedBoundingBox
    StatelessTruncatedNormal StatelessTruncatedNormalV2 StaticRegexFullMatch StaticRegexReplace StopGradient
    StridedSlice StridedSliceAssign StridedSliceGrad StringFormat StringJoin StringLength StringLower StringSplit
    StringSplitV2 StringStrip StringToHashBucket StringToHashBucketFast StringToHashBucketStrong StringToNumber Sub
    Substr Sum Switch SymbolicGradient TakeDataset TakeWhileDataset Tan Tanh TanhGrad TemporaryVariable TensorArray
    TensorArrayClose TensorArrayCloseV2 TensorArrayCloseV3 TensorArrayConcat TensorArrayConcatV2 TensorArrayConcatV3
    TensorArrayGather TensorArrayGatherV2 TensorArrayGatherV3 TensorArrayGrad TensorArrayGradV2 TensorArrayGradV3
    TensorArrayGradWithShape TensorArrayPack TensorArrayRead TensorArrayReadV2 TensorArrayReadV3 TensorArrayScatter
    TensorArrayScatterV2 TensorArrayScatterV3 TensorArraySize TensorArraySizeV2 TensorArraySizeV3 TensorArraySplit
    TensorArraySplitV2 TensorArraySplitV3 TensorArrayUnpack TensorArrayV2 TensorArrayV3 TensorArrayWrite
    TensorArrayWriteV2 TensorArrayWriteV3 TensorListConcat TensorListConcatLists TensorListConcatV2
    TensorListElementShape TensorListFromTensor TensorListGather TensorListGetItem TensorListLength TensorListPopBack
    TensorListPushBack TensorListPushBackBatch TensorListReserve TensorListResize TensorListScatter
    TensorListScatterIntoExistingList TensorListScatterV2 TensorListSetItem TensorListSplit TensorListStack
    TensorMapErase TensorMapHasKey TensorMapInsert TensorMapLookup TensorMapSize TensorMapStackKeys TensorScatterAdd
    TensorScatterMax TensorScatterMin TensorScatterSub TensorScatterUpdate TensorSliceDataset TensorStridedSliceUpdate
    Tile TileGrad Timestamp TopK TopKV2 Transpose TruncateDiv TruncatedNormal UnicodeDecode UnicodeDecodeWithOffsets
    UnicodeEncode UnicodeTranscode Unique UniqueV2 UniqueWithCounts UniqueWithCountsV2 Unpack UnsortedSegmentJoin
    UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentSum UnwrapDatasetVariant UpperBound
    VarHandleOp VarIsInitializedOp Variable VariableShape VariableV2 Where WrapDatasetVariant WriteFile Xdivy Xlog1py
    Xlogy ZerosLike
""")
"""Flex has a kernel for each, in the libraries that are released."""

OTHERS = _names("""
    Acos Acosh AddManySparseToTensorsMap AddSparseToTensorsMap AllCandidateSampler AllToAll ApproxTopK Asin Asinh
    Atanh BandedTriangularSolve Batch BatchFFT BatchFFT2D BatchFFT3D BatchFunction BatchIFFT BatchIFFT2D BatchIFFT3D
    BatchMatMulV3 BatchMatrixSolve BatchMatrixSolveLs BatchSelfAdjointEig BatchSelfAdjointEigV2 BatchSvd BesselI0
    BesselI0e BesselI1 BesselI1e BesselJ0 BesselJ1 BesselK0 BesselK0e BesselK1 BesselK1e BesselY0 BesselY1 Betainc
    BlockLSTM BlockLSTMV2 CTCLoss CTCLossV2 CheckPinned CompositeTensorVariantFromComponents
    CompositeTensorVariantToComponents CompressElement ComputeAccidentalHits ComputeBatchSize Conv
    Conv2DBackpropFilterV2 Conv2DBackpropInputV2 ConvertToCooTensor Copy CopyHost CountUpTo Cross CrossReplicaSum
    Dawsn DecodeCSV DecodeCompressed DecodeJSONExample DecodeJxl DecodeProtoV2 DecodeWebP DenseCountSparseOutput
    DeserializeManySparse DeserializeSparse DeviceIndex Digamma DisableCopyOnRead DistributedSave DrawBoundingBoxes
    DrawBoundingBoxesV2 DummyIterationCounter DummyMemoryCache DummySeedGenerator EagerPyFunc EditDistance Eig
    EncodeProto Erfc Erfinv EuclideanNorm Expint Expm1 ExtractGlimpse ExtractGlimpseV2 ExtractJpegShape
    ExtractVolumePatches FFTND Fact FakeParam FileSystemSetConfiguration FixedUnigramCandidateSampler For
    FractionalAvgPool FractionalMaxPool FresnelCos FresnelSin GRUBlockCell GenerateBoundingBoxProposals
    GenerateVocabRemapping GetElementAtIndex GetOptions GlobalIterId GuaranteeConst HistogramFixedWidth IFFTND IRFFTND
    If Igamma Igammac ImportEvent IsInf IsotonicRegression KMC2ChainInitialization KmeansPlusPlusInitialization L2Loss
    LSTMBlockCell LearnedUnigramCandidateSampler Lgamma LoadAndRemapMatrix Log1p LogUniformCandidateSampler LowerBound
    Lu MapDefun MatchingFiles MatrixExponential MatrixLogarithm MatrixSolve MatrixSolveLs MatrixSquareRoot Mod Ndtri
    NearestNeighbors NextAfter NonDeterministicInts NthElement ParameterizedTruncatedNormal ParseTensor
    PartitionedCall Polygamma PyFunc PyFuncStateless QuantizeAndDequantize QuantizeAndDequantizeV2
    QuantizeAndDequantizeV3 QuantizeAndDequantizeV4 RFFTND RaggedCountSparseOutput RaggedCross RaggedFillEmptyRows
    RandomCrop RandomIndexShuffle RequantizationRangePerChannel RequantizePerChannel ResizeArea Rint ScaleAndTranslate
    ScatterAdd ScatterDiv ScatterMax ScatterMin ScatterMul ScatterSub ScatterUpdate SegmentMaxV2 SegmentMinV2
    SegmentProdV2 SegmentSumV2 SelfAdjointEig SelfAdjointEigV2 SerializeManySparse SerializeSparse SetSize Snapshot
    SobolSample SparseConcat SparseCountSparseOutput SparseDenseCwiseAdd SparseDenseCwiseDiv SparseDenseCwiseMul
    SparseMatMul SparseMatrixAdd SparseMatrixMatMul SparseMatrixMul SparseMatrixNNZ SparseMatrixOrderingAMD
    SparseMatrixSoftmax SparseMatrixSparseCholesky SparseMatrixSparseMatMul SparseMatrixTranspose SparseMatrixZeros
    SparseReduceMax SparseReduceMaxSparse SparseReduceSumSparse SparseSoftmax SparseSparseMaximum SparseSparseMinimum
    SparseSplit SparseTensorDenseAdd Spence StatefulPartitionedCall StatefulRandomBinomial StatefulStandardNormal
    StatefulStandardNormalV2 StatefulTruncatedNormal StatefulUniform StatefulUniformFullInt StatefulUniformInt
    StatelessCase StatelessIf StatelessParameterizedTruncatedNormal StatelessRandomBinomial StatelessShuffle
    StatelessWhile StringNGrams StringUpper Svd SyncDevice TakeManySparseFromTensorsMap ThreadPoolHandle
    ThreadUnsafeUnigramCandidateSampler ToBool TridiagonalMatMul TridiagonalSolve TruncateMod UncompressElement
    UnicodeScript UniformCandidateSampler UniformDequantize UniformQuantize UniformRequantize UnravelIndex Unstage
    While WindowOp WorkerHeartbeat Zeta
""")
"""The converter writes them as Flex operators only where `experimental_select_user_tf_ops` names them."""

LOWERED = _names("""
    DivNoNan DynamicStitch Expm1 InvertPermutation IsFinite IsInf IsNan Lgamma Log1p MatrixBandPart MulNoNan Rint
    Selu Softplus Softsign Xdivy Xlog1py Xlogy
""")
"""TensorFlow 2.21's converter writes them with builtin operators, in float32; older ones did not have to. The same test
converts each."""
