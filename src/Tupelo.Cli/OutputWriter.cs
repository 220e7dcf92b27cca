// Standard output, buffered, in UTF-8 bytes. Names go through Name: on a terminal what could drive the terminal is shown escaped;
// into a pipe or file they go as they are. When nobody reads any more (a pipe into `head`), writing throws BrokenPipeException,
// which ends the run quietly.
using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Tupelo.Cli;

/// <summary>Nobody reads the output any more.</summary>
internal sealed class BrokenPipeException : Exception;

internal sealed class OutputWriter(Stream stream, bool isTerminal) : IBufferWriter<byte>
{
    private const int BrokenPipe = 32;

    private byte[] _buffer = new byte[64 << 10];
    private int _used;

    /// <summary>Whether names are escaped.</summary>
    public bool IsTerminal => isTerminal;

    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _buffer.Length - _used)
        {
            Flush();
            if (bytes.Length > _buffer.Length)
            {
                Send(bytes);
                return;
            }
        }
        bytes.CopyTo(_buffer.AsSpan(_used));
        _used += bytes.Length;
    }

    public void Write(string text)
    {
        int most = Encoding.UTF8.GetMaxByteCount(text.Length);
        _used += Encoding.UTF8.GetBytes(text, GetSpan(most));
    }

    public void Write(byte value)
    {
        GetSpan(1)[0] = value;
        _used++;
    }

    public void Write(long number)
    {
        _ = Utf8Formatter.TryFormat(number, GetSpan(32), out int length);
        _used += length;
    }

    /// <summary>Text that came from an image: a name, a path, a target.</summary>
    public void Name(ReadOnlySpan<byte> name)
    {
        if (isTerminal)
        {
            NameText.WriteEscaped(this, name);
        }
        else
        {
            Write(name);
        }
    }

    public void NewLine() => Write((byte)'\n');

    public void Line(string text)
    {
        Write(text);
        NewLine();
    }

    public void Flush()
    {
        int used = _used;
        _used = 0;
        Send(_buffer.AsSpan(0, used));
    }

    public void Advance(int count) => _used += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _buffer.AsMemory(_used);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _buffer.AsSpan(_used);
    }

    private void Reserve(int sizeHint)
    {
        sizeHint = Math.Max(sizeHint, 1);
        if (sizeHint > _buffer.Length - _used)
        {
            Flush();
            if (sizeHint > _buffer.Length)
            {
                _buffer = new byte[sizeHint];
            }
        }
    }

    private void Send(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            return;
        }
        try
        {
            stream.Write(bytes);
        }
        catch (IOException problem) when (problem.HResult == BrokenPipe)
        {
            throw new BrokenPipeException();
        }
        catch (IOException problem)
        {
            throw new CommandException($"cannot write to standard output: {problem.Message}");
        }
    }
}
