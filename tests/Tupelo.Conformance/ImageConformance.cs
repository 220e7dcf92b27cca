// The read-only suite on every file system that is read from an image.
namespace Tupelo.Conformance;

public sealed class TarFsReadOnly : ReadOnlySuite<TarFsMount>;

public sealed class CpioFsReadOnly : ReadOnlySuite<CpioFsMount>;

public sealed class RoFsReadOnly : ReadOnlySuite<RoFsMount>;

public sealed class TfsReadOnly : ReadOnlySuite<ReadOnlyTfsMount>;
