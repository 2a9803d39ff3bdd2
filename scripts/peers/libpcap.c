/* Reads a capture with libpcap and nothing else: record by record, the first bytes of each packet looked at.
 *
 *     cc -O2 libpcap.c -o libpcap -lpcap; ./libpcap CAPTURE | --version
 *
 * Prints how many packets there are, their bytes, and a sum of what was looked at. Exit status: 0 done, 1 the capture
 * cannot be read.
 */
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>

int main(int count, char **arguments)
{
	if (count == 2 && strcmp(arguments[1], "--version") == 0) {
		puts(pcap_lib_version());
		return 0;
	}
	char error[PCAP_ERRBUF_SIZE];
	pcap_t *capture = count == 2 ? pcap_open_offline(arguments[1], error) : NULL;
	if (capture == NULL) {
		fprintf(stderr, "%s\n", count == 2 ? error : "one capture is wanted");
		return 1;
	}
	unsigned long long packets = 0, bytes = 0, sum = 0;
	struct pcap_pkthdr *header;
	const unsigned char *data;
	int result;
	while ((result = pcap_next_ex(capture, &header, &data)) == 1) {
		packets++;
		bytes += header->len;
		for (unsigned place = 0; place < header->caplen && place < 38; place += 8)
			sum += data[place];
	}
	if (result == PCAP_ERROR)
		fprintf(stderr, "%s\n", pcap_geterr(capture));
	pcap_close(capture);
	printf("%llu packets, %llu bytes, %llu\n", packets, bytes, sum);
	return result == PCAP_ERROR;
}
