namespace Tupelo.Tfs;

/// <summary>How bad a finding is.</summary>
public enum TfsSeverity
{
    /// <summary>Worth knowing; nothing is wrong.</summary>
    Info,

    /// <summary>Nothing is lost, but it should not be so; a repair puts right what it can.</summary>
    Warning,

    /// <summary>Damage: something cannot be read, or would be lost by writing on.</summary>
    Error,
}

/// <summary>Kinds of findings. Their names in kebab case are part of the program's interface.</summary>
public enum TfsFindingCode
{
    /// <summary>Sector 0 is no volume header; a copy of it was found.</summary>
    HeaderDamaged,

    /// <summary>The copy of sector 0 in the last sector does not say what sector 0 says.</summary>
    HeaderCopyStale,

    /// <summary>There is no copy of sector 0: not Tupelo's volume, or a file has its place.</summary>
    HeaderCopyMissing,

    /// <summary>The device answered with an error.</summary>
    DeviceError,

    /// <summary>The log cannot be read on from here.</summary>
    LogDamaged,

    /// <summary>A commit's records are not those that it was sealed with.</summary>
    LogChecksum,

    /// <summary>A record that a crash cut off, and another behind it.</summary>
    LogRecordWithinRecord,

    /// <summary>The log ends within a record: Nanos would mount this once, and make it unreadable.</summary>
    LogPartialRecord,

    /// <summary>The last commit was cut off by a crash; it was never acknowledged.</summary>
    LogUnfinishedCommit,

    /// <summary>A name was written out twice in one log: Nanos would miscount from there on.</summary>
    LogNameTwice,

    /// <summary>Half of the log or more is obsolete.</summary>
    LogCompactionDue,

    /// <summary>The root has no directory.</summary>
    RootWithoutDirectory,

    /// <summary>An entry leads to no file.</summary>
    EntryLeadsNowhere,

    /// <summary>An entry has a name that no file can have.</summary>
    EntryNameImpossible,

    /// <summary>A directory's entries cannot be read.</summary>
    DirectoryUnreadable,

    /// <summary>Two directories have one table of entries.</summary>
    DirectoryShared,

    /// <summary>A directory has two names.</summary>
    DirectorySecondName,

    /// <summary>A directory contains itself.</summary>
    DirectoryCycle,

    /// <summary>A directory has extents as well: Nanos would take it for a file and lose what is in it.</summary>
    DirectoryWithExtents,

    /// <summary>A directory with entries that no path leads to.</summary>
    DirectoryOrphaned,

    /// <summary>A symbolic link without a usable target.</summary>
    LinkTargetDamaged,

    /// <summary>A file's length is no number.</summary>
    FileLengthDamaged,

    /// <summary>A file's extents cannot be read.</summary>
    ExtentsUnreadable,

    /// <summary>One extent cannot be read.</summary>
    ExtentDamaged,

    /// <summary>An extent lies beyond the end of the volume.</summary>
    ExtentOutOfBounds,

    /// <summary>Two extents of one file cover the same part of it.</summary>
    ExtentCoversAnother,

    /// <summary>Two files, or a file and the log, own the same sectors.</summary>
    SectorsOwnedTwice,

    /// <summary>A file's link count is not the number of its names.</summary>
    LinkCountWrong,

    /// <summary>An attribute that should be a number is none.</summary>
    AttributeDamaged,
}

/// <summary>One thing that a check found.</summary>
/// <param name="Code">What kind of thing.</param>
/// <param name="Severity">How bad.</param>
/// <param name="Message">What is wrong, in a sentence.</param>
public sealed record TfsFinding(TfsFindingCode Code, TfsSeverity Severity, string Message)
{
    /// <summary>Where in the volume, in bytes; -1 when no single place is to blame.</summary>
    public long OffsetBytes { get; init; } = -1;

    /// <summary>The file that it concerns, from the root; empty when none.</summary>
    public ReadOnlyMemory<byte> Path { get; init; }

    /// <summary>What a repair does about it; empty when it does nothing.</summary>
    public string Remedy { get; init; } = "";

    /// <summary>True when a repair does something about it.</summary>
    public bool IsRepairable => Remedy.Length > 0;

    /// <summary>The code as it is printed: kebab case.</summary>
    public string CodeText
    {
        get
        {
            string name = Code.ToString();
            var text = new System.Text.StringBuilder(name.Length + 4);
            foreach (char letter in name)
            {
                if (char.IsUpper(letter) && text.Length > 0)
                {
                    _ = text.Append('-');
                }
                _ = text.Append(char.ToLowerInvariant(letter));
            }
            return text.ToString();
        }
    }
}

/// <summary>What a check found, and what a repair did.</summary>
public sealed class TfsCheckReport
{
    private readonly List<TfsFinding> _findings = [];
    private readonly List<string> _actions = [];

    /// <summary>More findings than this are counted, not kept.</summary>
    public const int MaxFindings = 10_000;

    /// <summary>What was found, in the order in which it was met.</summary>
    public IReadOnlyList<TfsFinding> Findings => _findings;

    /// <summary>What a repair did, or would do.</summary>
    public IReadOnlyList<string> Actions => _actions;

    /// <summary>How many findings are <see cref="TfsSeverity.Error"/>s.</summary>
    public long ErrorCount { get; private set; }

    /// <summary>How many are <see cref="TfsSeverity.Warning"/>s.</summary>
    public long WarningCount { get; private set; }

    /// <summary>True when there is no error.</summary>
    public bool IsClean => ErrorCount == 0;

    /// <summary>True when a repair has something to do.</summary>
    public bool NeedsRepair { get; private set; }

    /// <summary>True when a repair was asked for and all of it is on the device.</summary>
    public bool IsRepaired { get; internal set; }

    /// <summary>Why a repair could not be done; empty when it could, or was not asked for.</summary>
    public string RepairProblem { get; internal set; } = "";

    /// <summary>Files, directories and others that a path leads to.</summary>
    public long FileCount { get; internal set; }

    /// <inheritdoc cref="FileCount"/>
    public long DirectoryCount { get; internal set; }

    /// <inheritdoc cref="FileCount"/>
    public long OtherCount { get; internal set; }

    /// <summary>Sectors of the volume, and who has them. All four together are the volume, when nothing is owned twice.</summary>
    public long TotalSectors { get; internal set; }

    /// <summary>Sectors of the log, sector 0 included.</summary>
    public long LogSectors { get; internal set; }

    /// <summary>Sectors of files.</summary>
    public long DataSectors { get; internal set; }

    /// <summary>1 when the last sector is a copy of sector 0, otherwise 0.</summary>
    public long HeaderCopySectors { get; internal set; }

    /// <summary>Sectors that nobody owns.</summary>
    public long FreeSectors => TotalSectors - LogSectors - DataSectors - HeaderCopySectors;

    internal void Add(TfsFinding finding)
    {
        ErrorCount += finding.Severity == TfsSeverity.Error ? 1 : 0;
        WarningCount += finding.Severity == TfsSeverity.Warning ? 1 : 0;
        NeedsRepair |= finding.IsRepairable;
        if (_findings.Count < MaxFindings)
        {
            _findings.Add(finding);
        }
    }

    internal void Did(string action)
    {
        if (_actions.Count < MaxFindings)
        {
            _actions.Add(action);
        }
    }
}
