// A stream over a VolumeFile: a position, and nothing else. No buffer: a call on a file in memory costs less than keeping one right.
using Tupelo.Vfs;

namespace Tupelo;

/// <summary>A file as a stream. One thread at a time, as streams are; several streams on one file are independent.</summary>
/// <remarks>Reads and writes finish on the calling thread: they are memory operations but for what the cache does not have, and so the
/// asynchronous forms complete at once. <see cref="Flush()"/> does nothing, as there is no buffer; <see cref="Flush(bool)"/> and
/// <see cref="VolumeFile.FlushAsync"/> make durable.</remarks>
public sealed class VolumeStream : Stream
{
    private readonly bool _ownsFile;
    private long _position;
    private bool _disposed;

    /// <param name="file">An open file.</param>
    /// <param name="ownsFile">Whether it is closed with the stream.</param>
    public VolumeStream(VolumeFile file, bool ownsFile = false)
    {
        ArgumentNullException.ThrowIfNull(file);
        File = file;
        _ownsFile = ownsFile;
        if (file.IsAppending)
        {
            _position = file.Length;
        }
    }

    /// <summary>The file.</summary>
    public VolumeFile File { get; }

    /// <inheritdoc/>
    public override bool CanRead => !_disposed && File.CanRead;

    /// <inheritdoc/>
    public override bool CanWrite => !_disposed && File.CanWrite;

    /// <inheritdoc/>
    public override bool CanSeek => !_disposed;

    /// <inheritdoc/>
    public override long Length
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return File.Length;
        }
    }

    /// <inheritdoc/>
    public override long Position
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _position;
        }

        set
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _position = value;
        }
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        ThrowUnless(CanRead, "reading");
        int count = File.Read(_position, buffer);
        _position += count;
        return count;
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        return Read(buffer.AsSpan(offset, count));
    }

    /// <inheritdoc/>
    public override int ReadByte()
    {
        byte value = 0;
        return Read(new Span<byte>(ref value)) == 1 ? value : -1;
    }

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<int>(cancellationToken);
        }
        try
        {
            return new ValueTask<int>(Read(buffer.Span));
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return ValueTask.FromException<int>(problem);
        }
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        ThrowUnless(CanWrite, "writing");
        File.Write(_position, buffer);
        _position = File.IsAppending ? File.Length : _position + buffer.Length;
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        Write(buffer.AsSpan(offset, count));
    }

    /// <inheritdoc/>
    public override void WriteByte(byte value) => Write(new ReadOnlySpan<byte>(in value));

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }
        try
        {
            Write(buffer.Span);
            return ValueTask.CompletedTask;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return ValueTask.FromException(problem);
        }
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        long start = origin switch
        {
            SeekOrigin.Begin => 0,
            SeekOrigin.Current => _position,
            SeekOrigin.End => File.Length,
            _ => throw new ArgumentOutOfRangeException(nameof(origin)),
        };
        long target = checked(start + offset);
        if (target < 0)
        {
            throw new IOException("A position before the start of the file is not possible.");
        }
        return _position = target;
    }

    /// <inheritdoc/>
    public override void SetLength(long value)
    {
        ThrowUnless(CanWrite, "writing");
        File.SetLength(value);
        _position = Math.Min(_position, value);
    }

    /// <summary>Does nothing: there is no buffer. See <see cref="Flush(bool)"/>.</summary>
    public override void Flush() => ObjectDisposedException.ThrowIf(_disposed, this);

    /// <summary>With <paramref name="flushToDisk"/>, makes what was written durable.</summary>
    /// <exception cref="VolumeException">EIO.</exception>
    public void Flush(bool flushToDisk)
    {
        Flush();
        if (flushToDisk && CanWrite)
        {
            File.Flush();
        }
    }

    /// <summary>Does nothing, as <see cref="Flush()"/>.</summary>
    public override Task FlushAsync(CancellationToken cancellationToken) =>
        cancellationToken.IsCancellationRequested ? Task.FromCanceled(cancellationToken) : Task.CompletedTask;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !_disposed)
        {
            _disposed = true;
            if (_ownsFile)
            {
                File.Dispose();
            }
        }
        base.Dispose(disposing);
    }

    private void ThrowUnless(bool can, string what)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!can)
        {
            throw new NotSupportedException($"The stream was not opened for {what}.");
        }
    }
}
