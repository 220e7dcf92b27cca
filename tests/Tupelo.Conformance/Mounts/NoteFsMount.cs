// The sample of docs/writing-a-file-system.md as a file system under test: an example of a mount for one that cannot do everything.
using Notes;
using Tupelo.Vfs;

namespace Tupelo.Conformance;

/// <summary>The sample plug-in.</summary>
public sealed class NoteFsMount : TupeloMount
{
    public override string Name => "NoteFs";

    // What comes from the core alone, for any file system whose attributes the core keeps, and what NoteFs' own code adds.
    public override Features Features => Features.Writable | Features.CallersRights | Features.Histories | Features.Ownership | Features.NanosecondTimes | Features.BirthTime
        | Features.MemoryMaps | Features.DirectoryLinkCount | Features.OpenUnlinked
        | Features.Symlinks | Features.RenameFlags | Features.Sparse | Features.LargeFiles | Features.ByteNames;

    protected override void Prepare(VfsKernel kernel) => Register(kernel, new NoteFsType());

    protected override void MountWork(ISyscalls s) => ProbeSetting.Must(s.Mount("notes"u8, "/work"u8, "notefs"u8, 0, default));
}
