"""A command that measures the host: tells how many workers there are, and what a server is to leave alone."""
import sys

workers = [pid for pid in sys.stdin.readline().strip().split(",") if pid]
END = "|#hostname:elsewhere,1700000000"
print("NeverUpdated.Furlongs:%.1f|#Level:%s%s" % (len(workers), " ".join(sys.argv[1:]), END))
print("Unknown.Count:1|#Level:Host" + END)
print("this is no metric")
print()
print("NeverUpdated.Furlongs:99|#Level:after the empty line" + END)
for pid in workers:
    print("%s:1048576" % pid)
